"""Logged requests, asked of both models again: pairs for a mirror that sees little traffic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.errors import LogError
from pipelines.inference.encode import encode_columns
from pipelines.inference.session import ModelSession
from pipelines.observing import scores
from pipelines.observing.answers import moment
from pipelines.predictions import read
from pipelines.predictions.layout import FEATURE, IMAGE, REQUEST_ID
from pipelines.rollout.evidence import NO_PAIRS, ShadowPairs
from pipelines.rollout.plan import Plan, Scale
from pipelines.schema import Schema

_FROM_SECONDS = 30 * 86_400.0
# Twice what a step asks for at least, so that an interval can become narrow enough.
_MOST_REQUESTS = 20_000


@dataclass(frozen=True)
class Models:
    """The model folders of both versions, and the columns that are logged as digests only."""

    champion: Path
    challenger: Path
    hidden: tuple[str, ...] = ()


def replay(predictions: Path, plan: Plan, models: Models, until: float) -> ShadowPairs:
    """The answers of both models to the champion's last requests before a rollout, in process.

    It shows what the models make of live requests. What the servers make of them, it does not.

    Args:
        predictions: the log of the model.
        plan: of the rollout.
        models: of the rollout.
        until: unix seconds: when the rollout began.

    Returns:
        One pair a request; none if there is no log.

    Raises:
        LogError: the log cannot be read, or does not hold all that the models take.
        ModelError: a model cannot be opened.
    """
    if not predictions.is_dir():
        return NO_PAIRS
    sessions = ModelSession.open(models.champion), ModelSession.open(models.challenger)
    for session in sessions:
        _require_as_they_were(session.signature.schema, models.hidden, predictions)
    found, requests = NO_PAIRS, 0
    for batch in _newest_first(predictions, plan.champion, until):
        for pair in _pairs(batch, sessions, plan.scale, predictions):
            found += pair
            requests += 1
            if requests == _MOST_REQUESTS:
                return found
    return found


def _newest_first(folder: Path, version: str, until: float) -> Iterator[pa.RecordBatch]:
    """A day at a time, the last one first, so that old days are not read for nothing."""
    day = 86_400.0
    for number in range(int(_FROM_SECONDS / day)):
        end = until - number * day
        for batch in read.batches(folder, moment(end - day), moment(end)):
            is_real = pc.invert(batch.column("is_shadow"))
            chosen = batch.filter(pc.and_(is_real, pc.equal(batch.column("version"), version)))
            if chosen.num_rows:
                yield chosen


def _pairs(
    batch: pa.RecordBatch,
    sessions: tuple[ModelSession, ModelSession],
    scale: Scale,
    folder: Path,
) -> Iterator[ShadowPairs]:
    left, right = (
        session.predict(encode_columns(schema, _features(batch, schema, folder)))
        for session in sessions
        for schema in (session.signature.schema,)
    )
    task = sessions[0].signature.schema.task
    gaps = scores.gaps(scores.matrix(left.scores), scores.matrix(right.scores), task, scale)
    differ = scores.disagreements(left.labels, right.labels)
    ids = batch.column(REQUEST_ID).to_pylist()
    for _, places in groupby(range(len(ids)), key=ids.__getitem__):
        rows = list(places)
        yield scores.pair(float(np.mean(differ[rows])), float(np.mean(gaps[rows])))


def _features(batch: pa.RecordBatch, schema: Schema, folder: Path) -> dict[str, Any]:
    names = set(batch.schema.names)
    if schema.image is not None and IMAGE in names:
        pixels = batch.column(IMAGE).flatten().to_numpy().reshape(batch.num_rows, -1)
        return {name: pixels[:, at].astype(np.float64) for at, name in enumerate(schema.numbers)}
    missing = [name for name in schema.features if FEATURE + name not in names]
    if missing:
        raise _not_as_they_were(missing, folder)
    return {
        **{name: _numbers(batch.column(FEATURE + name)) for name in schema.numbers},
        **{name: batch.column(FEATURE + name).to_pylist() for name in schema.categories},
    }


def _require_as_they_were(schema: Schema, hidden: tuple[str, ...], folder: Path) -> None:
    digests = [name for name in schema.features if name in hidden]
    if digests:
        raise _not_as_they_were(digests, folder)


def _not_as_they_were(columns: list[str], folder: Path) -> LogError:
    return LogError(
        f"columns that the model takes are not logged as they were: {', '.join(columns)}",
        where=str(folder),
        next_step="log all features (serve.log), or wait for live pairs",
    )


def _numbers(column: pa.Array) -> Any:
    return column.to_numpy(zero_copy_only=False).astype(np.float64)
