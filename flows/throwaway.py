"""A throwaway clone of the project, in which `evergreen demo` and `evergreen drill` take place.

Everything happens in it through the command line, so that nothing is shown that a user could not
type, and none of the user's branches, tags or data is touched.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console

from flows import prefect_server
from flows.prefect_home import SILENT
from pipelines.errors import EXIT_DONE, WorkspaceError
from pipelines.paths import HomePaths
from pipelines.versioning.git import Repository

MODEL = "flights"
_END_SECONDS = 30


@dataclass
class Demo:
    """One run of the demo in its clone, with the seconds that each part took."""

    clone: Path
    console: Console
    seconds: dict[str, float] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> HomePaths:
        return HomePaths(self.clone / ".evergreen")

    @property
    def log(self) -> Path:
        return self.home.logs / "demo.log"

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Announce a part and time it."""
        started = time.monotonic()
        if self.console.is_terminal:
            with self.console.status(name):
                yield
        else:
            yield
        self.seconds[name] = round(time.monotonic() - started, 1)
        self.console.print(f"  {self.seconds[name]:6.1f} s  {name}", highlight=False)

    def evergreen(self, *arguments: str, allowed: tuple[int, ...] = (EXIT_DONE,)) -> Any:
        """Run a verb with --json in the clone and read its answer; its log lines go to the log."""
        said = f"evergreen {' '.join(arguments)}"
        return json.loads(self.output([*command(), *arguments, "--json"], said, allowed))

    def output(
        self, command: list[str], said: str, allowed: tuple[int, ...] = (EXIT_DONE,)
    ) -> bytes:
        """Run a command in the clone and give what it prints; its log lines go to the log.

        Args:
            command: the program and its arguments.
            said: what to call it.
            allowed: exit codes.

        Raises:
            WorkspaceError: it ends with another one.
        """
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            done = subprocess.run(
                command,
                cwd=self.clone,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                check=False,
            )
        if done.returncode not in allowed:
            raise WorkspaceError(
                f"`{said}` ended with exit code {done.returncode}",
                where=str(self.log),
                next_step="its last lines say why",
            )
        return done.stdout


@contextmanager
def prefect_part(demo: Demo) -> Iterator[None]:
    """A Prefect server for the retrains by hand."""
    started = time.monotonic()
    log = demo.home.logs / "prefect.log"
    with prefect_server.running(demo.environment, log) as url:
        demo.environment["PREFECT_API_URL"] = url
        demo.seconds["start Prefect"] = round(time.monotonic() - started, 1)
        demo.console.print(f"  {demo.seconds['start Prefect']:6.1f} s  start Prefect")
        yield


def retrained(demo: Demo, name: str, until: str) -> dict[str, Any]:
    """One retrain; a verdict of any kind is a result here."""
    with demo.part(name):
        result: dict[str, Any] = demo.evergreen(
            "retrain", MODEL, "--until", until, "--reason", name, allowed=(0, 1, 3)
        )
    demo.console.print(f"            {result['verdict']['outcome']}: {result['verdict']['reason']}")
    return result


def clone_of(project: Repository, keep: Path | None) -> Path:
    """A clone of the project in `keep`, or in a temporary folder.

    Raises:
        WorkspaceError: `keep` is not empty.
    """
    if keep is None:
        clone = Path(tempfile.mkdtemp(prefix="evergreen-demo-"))
    else:
        clone = keep.resolve()
        if clone.exists() and any(clone.iterdir()):
            raise WorkspaceError(
                "the folder is not empty",
                where=str(clone),
                next_step="name a new folder with --keep, or none",
            )
    project.git("clone", "--quiet", "--no-tags", str(project.root), str(clone))
    return clone


def environment_of(clone: Path) -> dict[str, str]:
    """The user's environment, but with the clone's own code, state and Prefect."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PREFECT_", "EVERGREEN_", "BENTOML_"))
    }
    return {
        **kept,
        "PYTHONPATH": str(clone),
        "PREFECT_HOME": str(clone / ".evergreen" / "prefect"),
        **SILENT,
    }


def spawned(demo: Demo, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a verb in the clone, whose output goes to the log; whoever starts it ends it."""
    demo.log.parent.mkdir(parents=True, exist_ok=True)
    with demo.log.open("ab") as log:
        return subprocess.Popen(
            [*command(), *arguments],
            cwd=demo.clone,
            env=demo.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


@contextmanager
def background(demo: Demo, *arguments: str) -> Iterator[None]:
    """A verb in the clone while the block runs; it is ended with the block if it did not end."""
    process = spawned(demo, *arguments)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=_END_SECONDS)


def module(demo: Demo, name: str, *arguments: str) -> str:
    """Run a module in the clone, and give what it prints.

    Raises:
        WorkspaceError: it fails.
    """
    ran = [sys.executable, "-m", name, *arguments]
    return demo.output(ran, f"python -m {name}").decode().strip()


@contextmanager
def surroundings(demo: Demo) -> Iterator[None]:
    """What this process reads from its environment is the clone's and not the user's.

    Told to terminate, it leaves its blocks first, so that the stack of the clone ends with it.
    """
    demo.environment = environment_of(demo.clone)
    before, told = dict(os.environ), signal.signal(signal.SIGTERM, _leave)
    os.environ.clear()
    os.environ.update(demo.environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        signal.signal(signal.SIGTERM, told)


def _leave(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)


def command() -> list[str]:
    return [sys.executable, "-m", "flows"]
