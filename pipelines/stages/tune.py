"""tune: search hyperparameters on train, score them on tuning; the holdout is not touched."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from pipelines import registry
from pipelines.files import emptied, replacing, write_json, write_text
from pipelines.frames import features, labels
from pipelines.models.base import Family, Params, Training
from pipelines.models.space import complete
from pipelines.models.tasks import require_task
from pipelines.paths import ModelPaths, home
from pipelines.progress import progress
from pipelines.schema import SCHEMA_FILE, Schema
from pipelines.settings import ModelSettings
from pipelines.signature import digest

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

METRIC = "auc"
# What a score passes through on its way, from the rows to the number.
_DATA = ("train.parquet", "tuning.parquet", SCHEMA_FILE)
_CODE = (
    "frames.py",
    "schema.py",
    "inference/*.py",
    "models/*.py",
    "stages/tune.py",
    "statistics/*.py",
    "tuning/*.py",
)
_LIBRARIES = ("numpy", "optuna", "pandas", "scikit-learn", "scipy")


def run(paths: ModelPaths, settings: ModelSettings) -> None:
    """Write `study/`: the best parameters, every trial, and two plots.

    Raises:
        ModelError: the family fails, or has no such hyperparameter.
        StateError: the journal of the search is damaged.
    """
    from pipelines.tuning import plots, study

    trials = _search(paths, settings)
    best = study.best(trials)
    rows = study.table(trials)
    emptied(paths.study)
    write_json(
        {
            "params": {**best.params, **settings.train.fixed},
            "metric": METRIC,
            "tuning_score": best.value,
            "default_score": trials[0].value,
            "trial": best.user_attrs["slot"],
            "trials": len(trials),
            "pruned": sum(row["state"] == "PRUNED" for row in rows),
        },
        paths.study / "best.json",
    )
    with replacing(paths.study / "trials.csv") as temporary:
        pd.DataFrame(rows).to_csv(temporary, index=False)
    write_text(plots.history(trials), paths.study / "history.svg")
    write_text(plots.knobs(trials, settings.tune.seed), paths.study / "knobs.svg")


def _search(paths: ModelPaths, settings: ModelSettings) -> list[FrozenTrial]:
    """Every trial, in the order of their slots."""
    from pipelines.tuning import study
    from pipelines.tuning.workers import Workers

    family: Family = registry.load(registry.MODEL_FAMILIES, settings.train.family)()
    # A wrong name is told before processes are started for it.
    require_task(settings.train.family, family, Schema.read(paths.splits).task)
    complete(settings.train.family, family.space(), settings.train.fixed)
    search = study.Search(
        key=_key(paths, settings),
        space=family.space(),
        rungs=family.rungs,
        fixed=settings.train.fixed,
        settings=settings.tune,
    )
    journal = home(paths.root).studies / f"{paths.model}-{search.key[:16]}.journal"
    task = _Task(paths.splits, settings.train.family, settings.tune.seed)
    workers = Workers(partial(_prepare, task), settings.tune.workers)
    try:
        with progress("trials", settings.tune.trials) as on_trial:
            return study.run(search, journal, workers, on_trial)
    finally:
        workers.close()


@dataclass(frozen=True)
class _Task:
    """What a worker needs; small, since it is sent to a new process."""

    splits: Path
    family: str
    seed: int


def _prepare(task: _Task) -> Callable[[Params], Iterator[tuple[float, bool]]]:
    from pipelines.statistics.quality import goodness

    schema = Schema.read(task.splits)
    train = pd.read_parquet(task.splits / "train.parquet")
    tuning = pd.read_parquet(task.splits / "tuning.parquet")
    train_features, train_labels = features(train, schema), labels(train, schema)
    tuning_features, tuning_labels = features(tuning, schema), labels(tuning, schema)
    family: Family = registry.load(registry.MODEL_FAMILIES, task.family)()

    def score(params: Params) -> Iterator[tuple[float, bool]]:
        rungs = family.fit(Training(train_features, train_labels, schema, params, task.seed))
        for number, fitted in enumerate(rungs, start=1):
            reached = goodness(schema.task, tuning_labels, fitted.scores(tuning_features))
            yield reached, number == family.rungs

    return score


def _key(paths: ModelPaths, settings: ModelSettings) -> str:
    """Digest of all that a score depends on: data, settings, code, and the libraries' versions.

    The number of trials is left out: more trials go on with the same search.
    """
    code = Path(__file__).parents[1]
    sources = [path for pattern in _CODE for path in sorted(code.glob(pattern))]
    parts: dict[str, Any] = {
        "data": [digest(paths.splits / name) for name in _DATA],
        "tune": settings.tune.model_dump(exclude={"trials"}),
        "family": settings.train.family,
        "fixed": settings.train.fixed,
        "code": {source.relative_to(code).as_posix(): digest(source) for source in sources},
        "libraries": {name: version(name) for name in _LIBRARIES},
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
