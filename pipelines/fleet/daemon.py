"""Supervisor itself: its start, and its end."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time

import psutil

from pipelines import files
from pipelines.errors import FleetError
from pipelines.fleet import configuration, layout, strays
from pipelines.fleet.launch import FLEET, PROGRAM, RUN
from pipelines.fleet.layout import Layout
from pipelines.fleet.remote import Remote
from pipelines.orphans import PARENT

START_SECONDS = 60.0
END_SECONDS = 60.0
_POLL_SECONDS = 0.05


def start(places: Layout) -> Remote:
    """Start Supervisor with no programs. Call it with the lock of the fleet held.

    Processes of an earlier start that was killed live on: they may still be answering. They can be
    told apart from now on by the `run` they carry.

    Raises:
        FleetError: it refuses its configuration, or does not answer in time.
    """
    layout.make(places)
    _require_dead(places)
    for described in places.programs.glob("*.json"):
        described.unlink()
    run = secrets.token_hex(8)
    files.write_text(run, places.run)
    path = configuration.write(places, ())
    kept = {key: value for key, value in os.environ.items() if key not in (PROGRAM, PARENT)}
    done = subprocess.run(
        [sys.executable, "-m", "supervisor.supervisord", "-c", str(path)],
        # Not where we are: a folder with a `supervisor` in it would be imported.
        cwd=places.folder,
        env={**kept, FLEET: str(places.folder), RUN: run},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=START_SECONDS,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise FleetError(
            f"Supervisor does not start: {said[0]}",
            where=str(path),
            next_step="mend what it says; it is written anew at each start",
        )
    return _answering(places)


def run_of(places: Layout) -> str | None:
    """Which start of Supervisor the processes should be of; None before the first."""
    try:
        return places.run.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None


def end(places: Layout) -> None:
    """End Supervisor if it runs, and every process of the fleet. Call it with the lock held.

    Raises:
        FleetError: something does not end.
    """
    remote = Remote(places.socket)
    pid = remote.pid()
    if pid is not None:
        remote.shutdown()
        _wait_for(pid, places)
    # Killed ones' children, and those of a Supervisor that was killed itself.
    strays.end(strays.find(places.folder), wait_seconds=15.0)
    for path in (places.socket, places.pid, places.run):
        path.unlink(missing_ok=True)


def _answering(places: Layout) -> Remote:
    remote = Remote(places.socket)
    deadline = time.monotonic() + START_SECONDS
    while remote.pid() is None:
        if time.monotonic() > deadline:
            raise FleetError(
                f"Supervisor does not answer after {START_SECONDS:g} s",
                where=str(places.supervisor_log),
                next_step="read the end of this log",
            )
        time.sleep(_POLL_SECONDS)
    return remote


def _require_dead(places: Layout) -> None:
    """A Supervisor that lives without its socket would start everything a second time."""
    alive = [
        process
        for process in strays.find(places.folder, run=run_of(places))
        if strays.program_of(process) is None and "supervisor.supervisord" in _command(process)
    ]
    if alive:
        raise FleetError(
            f"Supervisor runs as process {alive[0].pid}, but not on its socket",
            where=str(places.socket),
            next_step=f"end it (`kill {alive[0].pid}`), and start again",
        )


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _wait_for(pid: int, places: Layout) -> None:
    deadline = time.monotonic() + END_SECONDS
    while _lives(pid):
        if time.monotonic() > deadline:
            raise FleetError(
                f"Supervisor (process {pid}) does not end in {END_SECONDS:g} s",
                where=str(places.supervisor_log),
                next_step="read the end of this log, for what it waits",
            )
        time.sleep(_POLL_SECONDS)


def _lives(pid: int) -> bool:
    try:
        return strays.is_alive(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return False
