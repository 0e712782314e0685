"""tune: search hyperparameters on train, score them on tuning; the holdout is not touched."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from pipelines import registry
from pipelines.files import emptied, replacing, write_json, write_text
from pipelines.models import incremental
from pipelines.models.base import Family
from pipelines.models.tasks import require_params, require_student, require_task
from pipelines.paths import ModelPaths, home
from pipelines.progress import progress
from pipelines.schema import Schema
from pipelines.settings import ModelSettings
from pipelines.signature import digest
from pipelines.statistics.quality import QUALITIES

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from pipelines.tuning.scoring import Task
    from pipelines.tuning.study import Search

# Where a search runs changes nothing about it, and more trials go on with the same one.
_NOT_ITS_IDENTITY = {"trials", "storage", "engine", "dask_address"}


def run(paths: ModelPaths, settings: ModelSettings) -> None:
    """Write `study/`: the best parameters, every trial, two plots, and for two objectives the
    Pareto front with its plot.

    Raises:
        SettingsError: the family cannot do the task, or the sampler not search its space.
        ModelError: the family fails, or has no such hyperparameter.
        StateError: the store of the trials fails, or the Dask scheduler does not answer.
    """
    if settings.train.mode == "incremental":
        _take_over(paths, settings)
        return
    from pipelines.tuning import plots, results
    from pipelines.tuning.objectives import choose

    schema = Schema.read(paths.splits)
    quality = QUALITIES[schema.task]
    trials = _search(paths, settings, schema)
    budget, searched_for = settings.gate.budget, settings.tune.objectives
    choice = choose(trials, searched_for, budget)
    emptied(paths.study)
    write_json(results.best(trials, choice, settings, quality), paths.study / "best.json")
    with replacing(paths.study / "trials.csv") as temporary:
        pd.DataFrame(results.rows(trials, settings, quality)).to_csv(temporary, index=False)
    write_text(plots.history(trials, quality), paths.study / "history.svg")
    write_text(plots.knobs(trials, settings.tune.seed), paths.study / "knobs.svg")
    if len(searched_for) > 1:
        write_json(results.pareto(choice, settings, budget, quality), paths.study / "pareto.json")
        drawn = plots.pareto(trials, choice, searched_for[1], quality)
        write_text(drawn, paths.study / "pareto.svg")


def _take_over(paths: ModelPaths, settings: ModelSettings) -> None:
    """Write the hyperparameters of the parent: they are part of the model that is gone on with."""
    family: Family = registry.load(registry.MODEL_FAMILIES, settings.train.family)()
    parent = incremental.parent(paths.root, paths.model, settings.train, family)
    assert parent is not None, "an incremental training has a parent"
    params = {**parent.params, **settings.train.fixed}
    require_params(settings.train.family, family, params)
    emptied(paths.study)
    write_json({"params": params, "parent": parent.name, "trials": 0}, paths.study / "best.json")


def _search(paths: ModelPaths, settings: ModelSettings, schema: Schema) -> list[FrozenTrial]:
    """Every trial, in the order of their slots."""
    from pipelines.tuning import places, study, suitability
    from pipelines.tuning.scoring import prepare

    # What is wrong with the settings is told before processes are started for them.
    search = _defined(paths, settings, schema)
    suitability.require(settings.tune.sampler, search.searched)
    # Said by a person who looks at the studies: which model, which of its searches.
    name = f"{paths.model}-{search.key[:16]}"
    journal = home(paths.root).studies / f"{name}.journal"
    store = places.store_of(settings.tune, name, journal)
    try:
        engine = places.engine_of(settings.tune, partial(prepare, _task(paths, settings)))
        try:
            with progress("trials", settings.tune.trials) as on_trial:
                return study.run(search, store, engine, on_trial)
        finally:
            engine.close()
    finally:
        store.close()


def _defined(paths: ModelPaths, settings: ModelSettings, schema: Schema) -> Search:
    from pipelines.tuning.study import Search

    chosen = settings.train
    family: Family = registry.load(registry.MODEL_FAMILIES, chosen.family)()
    require_task(chosen.family, family, schema.task)
    require_params(chosen.family, family, chosen.fixed)
    require_student(chosen, family, chosen.fixed)
    return Search(
        key=_key(paths, settings),
        space=family.space(),
        rungs=family.rungs,
        fixed=chosen.fixed,
        settings=settings.tune,
    )


def _task(paths: ModelPaths, settings: ModelSettings) -> Task:
    from pipelines.tuning.scoring import FILES, Task
    from pipelines.tuning.surroundings import surroundings

    files: dict[str, Path | bytes] = {name: paths.splits / name for name in FILES}
    if settings.tune.engine == "dask":
        # Machines of a cluster do not see this one's folders.
        files = {name: (paths.splits / name).read_bytes() for name in FILES}
    cost = next((name for name in settings.tune.objectives if name != "quality"), None)
    return Task(
        model=paths.model,
        family=settings.train.family,
        seed=settings.tune.seed,
        cost=cost,
        files=files,
        surroundings=surroundings(),
    )


def _key(paths: ModelPaths, settings: ModelSettings) -> str:
    """Digest of all that a score depends on: data, settings, code, and the libraries' versions.

    The same on every machine; see `_NOT_ITS_IDENTITY` for what is left out.
    """
    from pipelines.tuning.scoring import FILES
    from pipelines.tuning.surroundings import surroundings

    parts: dict[str, Any] = {
        "data": [digest(paths.splits / name) for name in FILES],
        "tune": settings.tune.model_dump(mode="json", exclude=_NOT_ITS_IDENTITY),
        "family": settings.train.family,
        "fixed": settings.train.fixed,
        "surroundings": surroundings(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
