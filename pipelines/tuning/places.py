"""Where a search keeps its trials and where it runs them, as the settings say."""

from __future__ import annotations

import os
from pathlib import Path

import optuna

from pipelines.settings import TuneSettings
from pipelines.tuning.engine import Engine, Prepare
from pipelines.tuning.journal import Journal
from pipelines.tuning.objectives import directions
from pipelines.tuning.stores import Store
from pipelines.tuning.workers import Workers

# Names the scheduler that a flow has for the trials of its stages; a stage knows no flow.
SCHEDULER = "EVERGREEN_DASK_SCHEDULER"


def store_of(settings: TuneSettings, name: str, journal: Path) -> Store:
    """The journal of this machine, or the database that several machines share.

    Args:
        settings: of the search.
        name: of the study; the same name is the same search.
        journal: the file, where no database is named.

    Raises:
        StateError: it cannot be used.
    """
    # Optuna announces every study it opens.
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    towards = directions(settings.objectives)
    if settings.storage is None:
        return Journal(name, journal, towards)
    from pipelines.tuning.postgresql import SharedStore

    return SharedStore(name, settings.storage, towards)


def engine_of(settings: TuneSettings, prepare: Prepare) -> Engine:
    """Processes of this machine, or the workers of a Dask cluster.

    The cluster is that of the settings, or the one that the flow has started for its stages, or
    one for this search alone.

    Raises:
        StateError: the scheduler does not answer.
    """
    if settings.engine == "processes":
        return Workers(prepare, settings.workers)
    from pipelines.tuning.dask_engine import DaskWorkers

    address = settings.dask_address or os.environ.get(SCHEDULER)
    return DaskWorkers(prepare, settings.workers, address)
