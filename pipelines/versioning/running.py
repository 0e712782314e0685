"""A stage as a process: its lines as they come, its time limit, its end, its error."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.errors import EXIT_BAD_INPUT, StageError
from pipelines.orphans import PARENT

OnLine = Callable[[str], None]
_TAIL_LINES = 40


@dataclass
class Watch:
    """Where the output of the stage that this thread runs goes, and how long it may take."""

    on_line: OnLine
    seconds: float
    has_run: bool = False


_watch: ContextVar[Watch | None] = ContextVar("watch", default=None)


_patching = threading.Lock()


@contextmanager
def watching(watch: Watch) -> Iterator[None]:
    """Let DVC start the stages of this thread through `_run`, under this watch.

    DVC's own runner lets a stage write straight to this process's output, and nothing can stop
    it. There is no public hook, so its private function is replaced; a test holds the signature
    of that function, and fails when a new DVC changes it.
    """
    import dvc.stage.run

    with _patching:
        dvc.stage.run._run = _run
    token = _watch.set(watch)
    try:
        yield
    finally:
        _watch.reset(token)


def _run(executable: str | None, cmd: str, **options: Any) -> None:
    """Run a stage's command in a process group of its own, line by line."""
    from dvc.stage.run import _make_cmd

    watch = _watch.get()
    assert watch is not None, "DVC runs stages only inside `watching`"
    watch.has_run = True
    environment = {**options.pop("env"), "PYTHONUNBUFFERED": "1", PARENT: str(os.getpid())}
    # The stage must run with this Python, whatever stands first on the user's PATH.
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    process = subprocess.Popen(
        _make_cmd(executable, cmd),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        errors="replace",
        start_new_session=True,
        env=environment,
        **options,
    )
    timed_out = threading.Event()
    timer = threading.Timer(watch.seconds, _kill, (process, timed_out))
    timer.start()
    try:
        assert process.stdout is not None
        for line in process.stdout:
            tail.append(line.rstrip())
            watch.on_line(line.rstrip())
        code = process.wait()
    finally:
        timer.cancel()
        if process.poll() is None:
            _kill(process, threading.Event())
            process.wait()
    if timed_out.is_set():
        raise StageError(
            f"stopped after {watch.seconds:g} seconds",
            where=cmd,
            next_step="raise retrain.timeout_minutes for this stage in params.yaml, or find out "
            "what it waits for in the lines above",
            exit_code=EXIT_BAD_INPUT,
        )
    if code != 0:
        raise _failed(cmd, code, list(tail))


def _kill(process: subprocess.Popen[str], because: threading.Event) -> None:
    because.set()
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _failed(cmd: str, code: int, tail: list[str]) -> StageError:
    """The stage's own error message, if it ended with one."""
    starts = [place for place, line in enumerate(tail) if line.startswith("error: ")]
    if starts:
        message = "\n".join(tail[starts[-1] :]).removeprefix("error: ")
        problem, _, step = message.partition("\n  next step: ")
        where, _, problem = problem.partition(": ") if ": " in problem else (cmd, "", problem)
        return StageError(problem, where=where, next_step=step or "see above", exit_code=code)
    killed = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    return StageError(
        f"{killed}; its last lines were:\n" + "\n".join(tail[-10:]),
        where=cmd,
        next_step="see the whole output in the run's log; finished stages are kept",
        exit_code=code if code > 0 else EXIT_BAD_INPUT,
    )
