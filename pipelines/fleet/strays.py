"""Processes of a fleet that nobody watches any more, found by what their environment says."""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import psutil

from pipelines.errors import FleetError
from pipelines.fleet.launch import FLEET, PROGRAM, RUN

KILL_SECONDS = 5.0
_POLL_SECONDS = 0.02


def find(
    folder: Path, *, run: str | None = None, but_run: str | None = None, program: str | None = None
) -> list[psutil.Process]:
    """The processes of the fleet in `folder`, without this one and those that started it.

    Args:
        folder: of the fleet.
        run: only those of this start of Supervisor.
        but_run: only those of other starts.
        program: only those of this program.
    """
    mine = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        told = {} if process.pid in mine else _environment(process)
        is_wanted = (
            told.get(FLEET) == str(folder)
            and (run is None or told.get(RUN) == run)
            and (but_run is None or told.get(RUN) != but_run)
            and (program is None or told.get(PROGRAM) == program)
        )
        if is_wanted:
            found.append(process)
    return found


def program_of(process: psutil.Process) -> str | None:
    """The program that a process belongs to, or None: it is Supervisor, or gone."""
    return _environment(process).get(PROGRAM)


def end(processes: Collection[psutil.Process], wait_seconds: float) -> None:
    """Ask processes to end, and kill those that have not after so long.

    Raises:
        FleetError: one of them is there still.
    """
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    left = _outlived(processes, wait_seconds)
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    left = _outlived(left, KILL_SECONDS)
    if left:
        raise FleetError(
            "does not end even when it is killed",
            where=", ".join(f"process {process.pid}" for process in left),
            next_step="look what it waits for (`ps -o pid,stat,wchan,cmd`), a disk perhaps",
        )


def is_alive(process: psutil.Process) -> bool:
    """Whether a process can still do something: one that nobody has reaped cannot."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _outlived(processes: Collection[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that are alive after so long. psutil's own wait takes a zombie for alive."""
    deadline = time.monotonic() + seconds
    while left := [process for process in processes if is_alive(process)]:
        if time.monotonic() > deadline:
            break
        time.sleep(_POLL_SECONDS)
    return left


def _environment(process: psutil.Process) -> dict[str, str]:
    """What a process was started with; nothing if it is gone, or is another user's."""
    try:
        return process.environ() if is_alive(process) else {}
    except (psutil.Error, OSError):
        return {}
