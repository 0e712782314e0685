"""One Prefect task for each stage of dvc.yaml, in the order that DVC gives."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.states import Completed

from pipelines.settings import RetrainSettings
from pipelines.versioning import graph


@dataclass(frozen=True)
class StageRun:
    """What a stage's task came to."""

    stage: str
    reached: graph.Reached
    seconds: float


@task(persist_result=False, cache_policy=NO_CACHE)
def run_stage(workspace: Path, stage: str, seconds: float) -> State[StageRun]:
    """Bring one stage up to date; the task's final state is Cached, Restored or Completed.

    Raises:
        StageError: the stage failed or took too long.
    """
    logger = get_run_logger()
    started = time.monotonic()
    reached = graph.reproduce(workspace, stage, logger.info, seconds)
    done = StageRun(stage, reached, round(time.monotonic() - started, 2))
    logger.info("%s: %s", stage, reached.value)
    return Completed(name=reached.value, data=done)


def run_stages(
    workspace: Path, stages: dict[str, list[str]], settings: RetrainSettings
) -> list[StageRun]:
    """Run stages, each after those it needs; a stage whose predecessor failed is not run.

    Raises:
        StageError: the first stage that failed.
    """
    futures: dict[str, PrefectFuture[Any]] = {}
    for stage, needs in stages.items():
        name = stage.partition("@")[0]
        minutes = settings.timeout_minutes.get(name, settings.default_timeout_minutes)
        named: Any = run_stage.with_options(name=name, task_run_name=stage)
        futures[stage] = named.submit(
            workspace, stage, 60 * minutes, wait_for=[futures[need] for need in needs]
        )
    # All of them are waited for, so that a failure leaves no stage running behind.
    for future in futures.values():
        future.wait()
    return [future.result() for future in futures.values()]
