"""The Dask cluster of a retrain: Prefect's task runner starts it, or connects, and ends it again.

What runs on it are the trials of a search, which the stage `tune` sends there. The stages
themselves stay with the flow: they read and write the work tree of the run, which a worker on
another machine does not see.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipelines.settings import ModelSettings
from pipelines.tuning.dask_cluster import ANSWER_SECONDS, local, no_workers
from pipelines.tuning.places import SCHEDULER

if TYPE_CHECKING:
    from prefect_dask.task_runners import DaskTaskRunner


@contextmanager
def for_search(chosen: ModelSettings) -> Iterator[str | None]:
    """Within the block, stages are told the address of the cluster that their trials go to.

    Args:
        chosen: of the model. Without `tune.engine: dask`, or where an incremental training
            searches nothing, there is no cluster.

    Raises:
        StateError: the scheduler of `tune.dask_address` does not answer.
    """
    if chosen.tune.engine != "dask" or chosen.train.mode == "incremental":
        yield None
        return
    with _runner(chosen) as runner:
        address = str(runner.client.scheduler_info()["address"])
        before = os.environ.get(SCHEDULER)
        os.environ[SCHEDULER] = address
        try:
            yield address
        finally:
            if before is None:
                del os.environ[SCHEDULER]
            else:
                os.environ[SCHEDULER] = before


@contextmanager
def _runner(chosen: ModelSettings) -> Iterator[DaskTaskRunner]:
    from prefect_dask.task_runners import DaskTaskRunner  # a second, which others do without

    named = chosen.tune.dask_address
    if named is None:
        own = DaskTaskRunner(cluster_kwargs=local(chosen.tune.workers))
        with own:
            # The cluster starts when its client is first asked for.
            assert own.client is not None
            yield own
        return
    theirs = DaskTaskRunner(address=named, client_kwargs={"timeout": ANSWER_SECONDS})
    with theirs:
        try:
            assert theirs.client is not None
        except (OSError, TimeoutError) as error:
            raise no_workers(named, ANSWER_SECONDS, error) from error
        yield theirs
