"""Full against incremental training on real flights: quality, and the time that fitting takes.

A model of January to March is brought to May in two ways: trained anew on all five months, and
gone on with from itself on April and May and a fifth of the earlier rows. Both are asked about
June, which neither has seen.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines import registry
from pipelines.datasets.flights import SOURCE, Flights
from pipelines.frames import features, labels
from pipelines.models.base import Continuable, Fitted, Training, last
from pipelines.models.threads import one_thread
from pipelines.schema import Schema
from pipelines.settings import IngestSettings
from pipelines.statistics.auc import auc

FAMILIES = ("hist_gradient_boosting", "sgd")
REPLAY_SHARE = 0.2


def run() -> None:
    schema, old = _months("2013-01", "2013-03")
    _, new = _months("2013-04", "2013-05")
    _, asked = _months("2013-06", "2013-06")
    replayed = old.sample(frac=REPLAY_SHARE, random_state=7).sort_index()
    both, seen = (pd.concat([part, new], ignore_index=True) for part in (old, replayed))
    print(f"AUC on {len(asked):,} flights of June, and seconds to fit (one thread)")
    for name in FAMILIES:
        parent, _ = _fit(name, old, schema)
        full, full_seconds = _fit(name, both, schema)
        with tempfile.TemporaryDirectory() as folder:
            assert isinstance(parent, Continuable)
            parent.save(Path(folder))
            child, seconds = _fit(name, seen, schema, Path(folder))
        print(
            f"{name}: to March {_auc(parent, asked, schema):.4f}; "
            f"full to May {_auc(full, asked, schema):.4f} in {full_seconds:.1f} s; "
            f"incremental {_auc(child, asked, schema):.4f} in {seconds:.1f} s "
            f"({len(seen):,} of {len(both):,} rows)",
            flush=True,
        )


def _months(first: str, until: str) -> tuple[Schema, pd.DataFrame]:
    window = IngestSettings(dataset="flights", source=SOURCE, since=first, until=until)
    read = Flights().read(window)
    frame = pd.concat([part for _, part in read.partitions], ignore_index=True)
    return read.schema, frame[frame[read.schema.target].notna()].reset_index(drop=True)


def _fit(
    name: str, frame: pd.DataFrame, schema: Schema, parent: Path | None = None
) -> tuple[Fitted, float]:
    family = registry.load(registry.MODEL_FAMILIES, name)()
    given = Training(
        features(frame, schema), labels(frame, schema), schema, {}, seed=7, parent=parent
    )
    started = time.monotonic()
    with one_thread():
        fitted = last(family.fit(given))
    return fitted, time.monotonic() - started


def _auc(fitted: Fitted, frame: pd.DataFrame, schema: Schema) -> float:
    scores = fitted.scores(features(frame, schema))
    return auc(labels(frame, schema).astype(np.int64), scores)
