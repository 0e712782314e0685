"""A real Prefect server for a whole test run, and the projects that tests retrain in."""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from pipelines.packaging.server import free_port
from tests.throwaway import MONTHS, Project, make_project

_START_SECONDS = 120


class Finished(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str


Run = Callable[..., Finished]


@cache
def prefect_api() -> str:
    """The address of a Prefect server that ends with this process."""
    folder = Path(tempfile.mkdtemp(prefix="evergreen-prefect-"))
    environment = {
        **os.environ,
        "PREFECT_HOME": str(folder),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    # Prefect reads this once, at import: without it, it would use the developer's own profile.
    os.environ["PREFECT_HOME"] = str(folder)
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
    atexit.register(end_group, process)
    url = f"http://127.0.0.1:{port}/api"
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return url
        except (urllib.error.URLError, OSError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def end_group(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@cache
def _untrained(base: Path) -> Project:
    return make_project(base / "untrained")


@cache
def _trained(base: Path) -> tuple[Project, Finished]:
    prefect_api()
    project = _untrained(base).copied(base / "trained")
    done = project.evergreen("retrain", "alpha", "--json", PREFECT_API_URL=prefect_api())
    return project, Finished(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def api() -> str:
    return prefect_api()


@pytest.fixture
def untrained(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Project:
    """A project of its own in which nothing has run."""
    return _untrained(tmp_path_factory.getbasetemp()).copied(tmp_path / "project")


@pytest.fixture
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Finished]:
    """The project whose model alpha was retrained once, to look at, and how that went."""
    return _trained(tmp_path_factory.getbasetemp())


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


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for a condition; fails when it does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.002)


def processes_in(project: Project) -> list[str]:
    """The command lines of processes that work somewhere below a project."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if project.root in (Path(process.cwd()), *Path(process.cwd()).parents):
                found.append(" ".join(process.cmdline()))
    return found


__all__ = ["MONTHS", "api", "first", "run", "trained", "untrained"]
