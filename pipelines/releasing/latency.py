"""The champion's p99 before a rollout: a slower answer is a bad event while it lasts."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from pipelines import golden
from pipelines.inference.encode import encode_rows
from pipelines.inference.session import ModelSession
from pipelines.observing.answers import moment
from pipelines.observing.sources import Sources
from pipelines.predictions import read

RECENT_SECONDS = 3600.0
# The p99 of fewer is little more than the slowest of them.
_ENOUGH = 300
_MOST = 100_000
# What gateway, network and HTTP add where only the model or its server was timed. Generous: below
# it, a limit would call the noise of a busy machine slow.
_AROUND_MS = 5.0
_LEAST_MS = 1.0
_GOLDEN_ROWS = 500


def p99_ms(sources: Sources, champion: str, folder: Path, now: float) -> float:
    """In milliseconds: as clients saw it in the last hour, else as the server did, else as the
    model takes for golden rows.

    Args:
        sources: the logs of the model.
        champion: the live version, as `flights@v3`.
        folder: its model folder.
        now: unix seconds.

    Raises:
        EvergreenError: a log that is there cannot be read, or there are no golden rows.
    """
    seen = deque(_at_the_gateway(sources, champion, now), maxlen=_MOST)
    if len(seen) >= _ENOUGH:
        return _p99(seen)
    served = deque(_at_the_server(sources.predictions, champion, now), maxlen=_MOST)
    if len(served) >= _ENOUGH:
        return _p99(served) + _AROUND_MS
    return _p99(_in_process(folder)) + _AROUND_MS


def _p99(taken: deque[float]) -> float:
    return max(float(np.percentile(np.array(taken), 99)), _LEAST_MS)


def _at_the_gateway(sources: Sources, champion: str, now: float) -> Iterator[float]:
    for request in sources.requests(now - RECENT_SECONDS, now):
        if request.arm == champion and request.is_answered and not request.has_failed:
            yield request.duration_ms


def _at_the_server(predictions: Path, champion: str, now: float) -> Iterator[float]:
    if not predictions.is_dir():
        return
    columns = ["version", "is_shadow", "row", "latency_us"]
    since = moment(now - RECENT_SECONDS)
    for batch in read.batches(predictions, since, moment(now), columns):
        # A request's latency stands on each of its rows.
        counted = pc.and_(
            pc.and_(
                pc.equal(batch.column("version"), champion),
                pc.invert(batch.column("is_shadow")),
            ),
            pc.equal(batch.column("row"), 0),
        )
        for microseconds in batch.filter(counted).column("latency_us").to_pylist():
            yield microseconds / 1000


def _in_process(folder: Path) -> deque[float]:
    session = ModelSession.open(folder)
    schema = session.signature.schema
    rows = golden.rows(golden.read(folder, schema), schema)[:_GOLDEN_ROWS]
    taken: deque[float] = deque()
    for row in rows:
        started = time.perf_counter()
        session.predict(encode_rows(schema, [row]))
        taken.append(1000 * (time.perf_counter() - started))
    return taken
