"""A real Prefect server for a whole test run, and the projects that tests retrain in.

Both are made once and shared by all workers of pytest: whoever comes first makes them.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from pipelines.ports import free_port
from tests.throwaway import MONTHS, Project, make_project

_START_SECONDS = 120
# Where the workers of one test run find what they share; `tests/conftest.py` makes and removes it.
SHARED = "EVERGREEN_TESTS_SHARED"


class Finished(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str


Run = Callable[..., Finished]


@contextmanager
def _alone(what: str) -> Iterator[Path]:
    """The folder of something shared, while no other worker may touch it."""
    folder = Path(os.environ[SHARED]) / what
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


@cache
def prefect_api() -> str:
    """The address of the Prefect server of this test run."""
    with _alone("prefect") as folder:
        # Prefect reads this once, at import: without it, it would use the developer's own profile.
        os.environ["PREFECT_HOME"] = str(folder)
        known = folder / "server.json"
        if not known.exists():
            known.write_text(json.dumps(_start_prefect(folder)), encoding="utf-8")
        return str(json.loads(known.read_text(encoding="utf-8"))["url"])


def end_prefect(shared: Path) -> None:
    """End the server of a test run, if one was started."""
    known = shared / "prefect" / "server.json"
    if known.exists():
        with suppress(ProcessLookupError):
            os.killpg(json.loads(known.read_text(encoding="utf-8"))["pid"], signal.SIGKILL)


def _start_prefect(folder: Path) -> dict[str, str | int]:
    environment = {
        **os.environ,
        "PREFECT_HOME": str(folder),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    port = free_port()
    command = [sys.executable, "-m", "prefect", "server", "start", "--no-ui"]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}/api"
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return {"url": url, "pid": process.pid}
        except (urllib.error.URLError, OSError):
            if process.poll() is not None or time.monotonic() > deadline:
                end_group(process)
                raise
            time.sleep(0.1)


def end_group(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@cache
def _untrained() -> Project:
    with _alone("untrained") as folder:
        root = folder / "project"
        return Project(root) if root.exists() else make_project(root)


@cache
def _trained() -> tuple[Project, Finished]:
    api = prefect_api()
    with _alone("trained") as folder:
        root, outcome = folder / "project", folder / "outcome.json"
        if not outcome.exists():
            project = _untrained().copied(root)
            done = project.evergreen("retrain", "alpha", "--json", PREFECT_API_URL=api)
            outcome.write_text(json.dumps([done.returncode, done.stdout, done.stderr]), "utf-8")
        return Project(root), Finished(*json.loads(outcome.read_text(encoding="utf-8")))


def trained_project() -> Project:
    """The project whose model alpha was retrained once; not to be changed."""
    return _trained()[0]


@pytest.fixture
def api() -> str:
    return prefect_api()


@pytest.fixture
def untrained(tmp_path: Path) -> Project:
    """A project of its own in which nothing has run."""
    return _untrained().copied(tmp_path / "project")


@pytest.fixture
def first() -> tuple[Project, Finished]:
    """The project whose model alpha was retrained once, to look at, and how that went."""
    return _trained()


@pytest.fixture
def trained(first: tuple[Project, Finished], tmp_path: Path) -> Project:
    """A project of its own in which alpha@v1 is live."""
    return first[0].copied(tmp_path / "project")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """`evergreen ARGUMENTS` in this process: as the command, without its three seconds."""

    def run_here(project: Project, *arguments: str) -> Finished:
        from prefect.settings import PREFECT_API_URL, temporary_settings

        from flows import cli

        for key, value in project.environment.items():
            monkeypatch.setenv(key, value)
        monkeypatch.chdir(project.root)
        monkeypatch.setattr(sys, "argv", ["evergreen", *arguments])
        capfd.readouterr()
        code = 0
        with temporary_settings({PREFECT_API_URL: prefect_api()}):
            try:
                cli.main()
            except SystemExit as end:
                code = int(end.code or 0)
        return Finished(code, *capfd.readouterr())

    prefect_api()
    return run_here


def processes_in(project: Project) -> list[str]:
    """The command lines of processes that work somewhere below a project."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if project.root in (Path(process.cwd()), *Path(process.cwd()).parents):
                found.append(" ".join(process.cmdline()))
    return found


__all__ = ["MONTHS", "api", "first", "run", "trained", "untrained"]
