"""Ending a retrain with SIGKILL at a chosen point."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import threading
from collections.abc import Callable
from contextlib import contextmanager
from typing import Literal

import psutil

from tests.orchestration import prefect_api
from tests.throwaway import Project
from tests.waiting import until

Whom = Literal["flow", "tree"]


class Retrain:
    """A retrain that runs in a process of its own, and what it has said so far."""

    def __init__(self, project: Project, *arguments: str) -> None:
        self.project = project
        self.process = project.start("retrain", *arguments, PREFECT_API_URL=prefect_api())
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    @property
    def said(self) -> str:
        return "\n".join(self.lines)

    def kill_when(self, is_there: Callable[[Retrain], bool], whom: Whom = "flow") -> str:
        """Kill it at once when the point is reached; what it had said until then."""
        until(lambda: is_there(self) or self.process.poll() is not None, seconds=120)
        assert self.process.poll() is None, f"it ended before the point:\n{self.said}"
        if whom == "tree":
            for child in psutil.Process(self.process.pid).children(recursive=True):
                child.kill()
        os.killpg(self.process.pid, signal.SIGKILL)
        return self.end()

    def end(self) -> str:
        """Wait for its end; all that it said."""
        self.process.wait(timeout=180)
        self._reader.join(timeout=30)
        return self.said


def finished(step: str) -> Callable[[Retrain], bool]:
    """Right after a step or stage, so at the very beginning of the next."""
    sign = re.compile(rf"Task run '{re.escape(step)}' - Finished in state")
    return lambda retrain: bool(sign.search(retrain.said))


def running(stage: str) -> Callable[[Retrain], bool]:
    """In the middle of a stage: its process is there."""
    name = stage.partition("@")[0]

    def is_there(retrain: Retrain) -> bool:
        try:
            children = psutil.Process(retrain.process.pid).children(recursive=True)
            lines = [child.cmdline() for child in children]
        except psutil.Error:
            return False
        return any("pipelines.stages" in line and name in line for line in lines)

    return is_there


def packaging(retrain: Retrain) -> bool:
    """In the middle of building the bento."""
    return any(retrain.project.home.bentoml.glob("build-*"))


def work_tree_appears(retrain: Retrain) -> bool:
    """While git is still filling the work tree."""
    return any(retrain.project.home.worktrees.glob("alpha-*/pipelines"))


def tagged(tag: str) -> Callable[[Retrain], bool]:
    return lambda retrain: bool(retrain.project.git("tag", "--list", tag))


@contextmanager
def unwritable_store(project: Project):  # type: ignore[no-untyped-def]
    """Hold the store's write lock, so that whoever would write the ledger waits before it."""
    connection = sqlite3.connect(project.home.database, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.close()


def counted(outputs: list[str], stage: str) -> int:
    """How often a stage ran to its end over several retrains."""
    return sum(output.count(f"{stage}: Completed") for output in outputs)


__all__ = [
    "Retrain",
    "Whom",
    "counted",
    "finished",
    "packaging",
    "running",
    "tagged",
    "unwritable_store",
    "work_tree_appears",
]
