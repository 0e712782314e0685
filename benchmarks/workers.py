"""Trials a second with one tuning worker and with two, on a model that takes seconds to train.

All trials are alike, so the ratio is that of the workers. The clock runs from the moment when
each worker has finished its first trial: processes start once a search, not once a trial.
"""

from __future__ import annotations

import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.models.hist_gradient_boosting import HistGradientBoosting
from pipelines.models.space import defaults
from pipelines.schema import Schema
from pipelines.settings import TuneSettings
from pipelines.tuning import places, study
from pipelines.tuning.scoring import FILES, Task, prepare
from pipelines.tuning.surroundings import surroundings

_ROWS, _COLUMNS = 40_000, 20
_TRIALS = 8


def run() -> None:
    """Print both rates and their ratio."""
    with tempfile.TemporaryDirectory(prefix="evergreen-bench-") as folder:
        _write(Path(folder))
        rates = {count: _rate(Path(folder), count) for count in (1, 2)}
    for count, rate in rates.items():
        print(f"{count} worker(s): {rate:.3f} trials/s, {count / rate:.1f} s a trial")
    print(f"two workers against one: {rates[2] / rates[1]:.2f} times the trials a second")


def _write(folder: Path) -> None:
    draw = np.random.default_rng(7)
    schema = Schema(tuple(f"x{number}" for number in range(_COLUMNS)), (), target="y")
    values = draw.normal(size=(_ROWS, _COLUMNS))
    frame = pd.DataFrame(values, columns=list(schema.numbers))
    frame["y"] = (values[:, :5].sum(axis=1) + draw.normal(size=_ROWS) * 2 > 0).astype(float)
    frame.iloc[: _ROWS - 5000].to_parquet(folder / "train.parquet", index=False)
    frame.iloc[_ROWS - 5000 :].to_parquet(folder / "tuning.parquet", index=False)
    schema.write(folder)


def _rate(folder: Path, count: int) -> float:
    family = HistGradientBoosting()
    settings = TuneSettings(sampler="random", pruner="none", trials=_TRIALS, workers=count)
    fixed = {**defaults(family.space()), "max_iter": 240, "max_leaf_nodes": 63}
    search = study.Search(f"workers-{count}", family.space(), family.rungs, fixed, settings)
    files = {name: folder / name for name in FILES}
    task = Task("bench", "hist_gradient_boosting", 7, None, files, surroundings())
    store = places.store_of(settings, search.key, folder / f"{count}.journal")
    engine = places.engine_of(settings, partial(prepare, task))
    finished: dict[int, float] = {}

    def note(done: int, _total: int) -> None:
        finished[done] = time.monotonic()

    try:
        study.run(search, store, engine, note)
    finally:
        engine.close()
    return (_TRIALS - count) / (finished[_TRIALS] - finished[count])
