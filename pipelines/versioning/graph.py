"""The graph of dvc.yaml, walked through DVC's own API in this process.

One stage at a time, so that whoever walks it can wait, time and stop each. DVC stays the only
judge of what is up to date.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any

from pipelines.errors import (
    SettingsError,
    StageError,
    WorkspaceError,
)
from pipelines.versioning.integrity import require_intact
from pipelines.versioning.running import OnLine, Watch, watching


class Reached(StrEnum):
    """How a stage got to where it is."""

    CACHED = "Cached"  # nothing it depends on had changed
    RESTORED = "Restored"  # DVC had seen the same inputs before, and took the outputs from there
    COMPLETED = "Completed"  # it ran


def edges(repo: Any, model: str) -> dict[str, list[str]]:
    """The stages of one model, each with the stages it waits for, in an order that works.

    Args:
        repo: the `opened` workspace.
        model: its name in params.yaml.

    Raises:
        WorkspaceError: there is no dvc.yaml, it is not readable, or it has no such stages.
    """
    from dvc.exceptions import DvcException
    from networkx import topological_sort

    try:
        graph = repo.index.graph  # an edge runs from a stage to what it needs
        ordered = [
            stage.addressing
            for stage in reversed(list(topological_sort(graph)))
            if stage.addressing.endswith(f"@{model}")
        ]
        needs = {stage.addressing: list(graph.successors(stage)) for stage in graph}
    except DvcException as error:
        raise WorkspaceError(
            f"DVC cannot read the graph: {error}",
            where=str(Path(repo.root_dir) / "dvc.yaml"),
            next_step="`dvc dag` shows the same fault",
        ) from error
    if not ordered:
        raise WorkspaceError(
            f"no stages for model {model!r}",
            where=str(Path(repo.root_dir) / "dvc.yaml"),
            next_step="keep `foreach: ${models}` in every stage",
        )
    return {name: [stage.addressing for stage in needs[name]] for name in ordered}


def reproduce(workspace: Path, stage: str, on_line: OnLine, seconds: float) -> Reached:
    """Bring one stage up to date; what it waits for must be so already.

    Args:
        workspace: the folder of dvc.yaml; it must be the current folder of this process.
        stage: its address, such as "train@flights".
        on_line: called with every line that the stage prints.
        seconds: after so long the stage and all its processes are killed.

    Raises:
        StageError: the stage failed or took too long; carries its exit code.
        SettingsError: params.yaml lacks a section that the stage reads.
        WorkspaceError: DVC itself failed: no space, a locked file, a damaged cache.
    """
    from dvc.exceptions import DvcException

    watch = Watch(on_line, seconds)
    try:
        with watching(watch), opened(workspace) as repo:
            done = repo.reproduce(f"{workspace / 'dvc.yaml'}:{stage}", single_item=True)
            # Also after a stage that ran: DVC links to an equal object that was there before.
            require_intact(repo, stage)
    except (DvcException, OSError) as error:
        raise _explain(error, stage) from error
    if not done:
        return Reached.CACHED
    return Reached.COMPLETED if watch.has_run else Reached.RESTORED


def checkout(repo: Any, stages: Iterable[str]) -> None:
    """Put the outputs that dvc.lock names into the workspace, as far as the cache has them."""
    from dvc.exceptions import CheckoutError

    asked = set(stages)
    known = [
        stage.addressing
        for stage in repo.index.stages
        if stage.addressing in asked and all(out.hash_info for out in stage.outs)
    ]
    try:
        repo.checkout(targets=known, force=True, allow_missing=True)
    except CheckoutError:
        # What is missing or damaged is simply made again by its stage.
        return


@contextmanager
def opened(workspace: Path) -> Iterator[Any]:
    """DVC's view of a workspace, closed again afterwards."""
    from dvc.repo import Repo

    # DVC tells a person what to type next; in a run's log that is noise. Faults are raised.
    for name in ("dvc", "dvc_data", "dvc_objects"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # Without the wait, stages that run side by side fail on each other's lock after 3 seconds.
    repo = Repo(str(workspace), _wait_for_lock=True)
    try:
        yield repo
    finally:
        repo.close()


def _explain(error: BaseException, stage: str) -> Exception:
    from dvc.dependency.param import MissingParamsError

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, StageError):
            return cause
        if isinstance(cause, MissingParamsError):
            return SettingsError(
                str(cause),
                where="params.yaml",
                next_step="add what is missing; an empty section takes the defaults: `split: {}`",
            )
        cause = cause.__cause__ or cause.__context__
    return WorkspaceError(
        f"DVC failed: {_reason(error)}",
        where=stage,
        next_step="`dvc repro` and `dvc doctor` say more; finished stages are kept",
    )


def _reason(error: BaseException) -> str:
    """The innermost message: DVC wraps the one that says something."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {error}"
