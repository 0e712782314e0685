"""Which act begins when, and which of them is killed when: all of it from one seed."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import psutil

from pipelines.monitoring.triggers import inbox
from pipelines.monitoring.triggers.events import State
from tests.faults.soak.acts import ACTS, MODEL, MOST, begin
from tests.faults.soak.server import Server
from tests.faults.soak.truths import Truths
from tests.faults.soak.worker import Worker
from tests.throwaway import Project

_AT_ONCE = 3
_SERVER_EVERY = 60
_WORKER_EVERY = 14
_LOG_EVERY = 25
_SURVIVES = 0.25
# Nothing is asserted on speed; what hangs for so long hangs for ever.
_PATIENCE_SECONDS = 900.0
_DRAIN = 60
# What acts load, once: a process that is forked from what has loaded it begins in milliseconds.
_LOADED = [
    "tests.faults.soak.acts",
    "dvc.repo",
    "evidently",
    "evidently.ui.workspace",
    "pipelines.judging",
    "pipelines.monitoring.evidently_report",
    "pipelines.packaging",
]


@dataclass
class Alive:
    """An act that goes on."""

    act: str
    process: ForkServerProcess
    began: float
    dies: float | None

    @property
    def log(self) -> str:
        return f"{self.act}-{self.process.pid}.log"


class Soak:
    """Kills in one project; `counts` says how many of what."""

    def __init__(
        self, project: Project, folder: Path, seed: int, say: Callable[[str], None]
    ) -> None:
        self._project, self._folder, self._say = project, folder, say
        self._draw = random.Random(seed)
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(_LOADED)
        self._alive: list[Alive] = []
        # How long each act takes, as far as was seen.
        self._longest = dict.fromkeys(ACTS, 1.0) | {"retrain": 12.0}
        self.counts: Counter[str] = Counter()
        folder.mkdir()
        self._truths = Truths(project, folder / "notes.jsonl")
        self._server = Server(folder / "prefect")
        self._worker: Worker | None = None

    def run(self, kills: int) -> None:
        """Kill so often, then let everything come to its end."""
        try:
            self._server.wait()
            self._worker = Worker(self._project, self._server.api, self._folder / "worker.log")
            while self.counts["kills"] < kills:
                self._step()
            self._worker.end()
            while self._alive:
                self._step(begins=False)
            self._drain()
        finally:
            for each in self._alive:
                _kill_tree(each.process)
            if self._worker is not None:
                self._worker.end()
            self._server.end()

    def _step(self, *, begins: bool = True) -> None:
        while begins and len(self._alive) < _AT_ONCE:
            self._begin(self._draw.choices(list(ACTS), [weight for _, weight in ACTS.values()])[0])
        self._server.is_up()
        now = time.monotonic()
        for each in list(self._alive):
            if not each.process.is_alive():
                self._ended(each)
            elif each.dies is not None and now > each.dies:
                self._kill(each)
            assert now - each.began < _PATIENCE_SECONDS, f"{each.log} does not end"
        time.sleep(0.01)

    def _begin(self, act: str, *, lives: bool = False) -> Alive:
        asked = (act, self._project.root, self._draw.random(), self._server.api, self._folder)
        process = self._context.Process(target=begin, args=asked)
        process.start()
        began, dies = time.monotonic(), None
        if not lives and self._draw.random() > _SURVIVES:
            # Early moments more often: most of what is written is written in passing.
            dies = began + 0.02 + self._longest[act] * self._draw.random() ** 3
        self._alive.append(Alive(act, process, began, dies))
        return self._alive[-1]

    def _kill(self, alive: Alive) -> None:
        is_tree = self._draw.random() < 0.5
        if is_tree:
            _kill_tree(alive.process)
        else:
            alive.process.kill()
        alive.process.join()
        self._alive.remove(alive)
        self._killed(alive.act)
        if self.counts["kills"] % _SERVER_EVERY == 0:
            self._server.kill()
            self._killed("server")
        if self._worker is not None and self.counts["kills"] % _WORKER_EVERY == 0:
            self.counts["flows of a killed worker"] += self._worker.kill(is_tree=is_tree)
            self._killed("worker")

    def _killed(self, what: str) -> None:
        self.counts["kills"] += 1
        self.counts[f"killed {what}"] += 1
        self._truths.after_a_kill()
        if self.counts["kills"] % _LOG_EVERY == 0:
            self._truths.of_the_log()
            self._say(f"{self.counts['kills']} kills, {self._story()}")

    def _ended(self, alive: Alive) -> None:
        alive.process.join()
        self._alive.remove(alive)
        seconds = time.monotonic() - alive.began
        self._longest[alive.act] = max(self._longest[alive.act], seconds)
        self.counts[f"ended {alive.act}"] += 1
        if alive.process.exitcode == 0:
            return
        # Without its server a flow cannot go on, and says so.
        assert self._server.last_away > alive.began, (
            f"{alive.act} ended with {alive.process.exitcode}:\n"
            + (self._folder / alive.log).read_text(errors="replace")[-6000:]
        )
        self.counts["ended without server"] += 1

    def _drain(self) -> None:
        """Nobody is killed any more: whatever waits is decided, and whatever began is ended."""
        self._server.wait()
        for _ in range(_DRAIN):
            found = inbox.listed(self._project.engine, MODEL, MOST)
            if not any(each.state.is_open for each in found):
                break
            # A person's wish waits for no cool-down, and its retrain answers all that wait.
            is_started = any(each.state is State.STARTED for each in found)
            for act in ("mend", "retrain") if is_started else ("wish", "retrain"):
                self._begin(act, lives=True)
                while self._alive:
                    self._step(begins=False)
        self._truths.in_the_end()
        self._say(f"in the end {self._story()}")

    def _story(self) -> str:
        triggers = Counter(
            str(each.state) for each in inbox.listed(self._project.engine, MODEL, MOST)
        )
        tags = len(self._project.git("tag", "--list", f"{MODEL}@*").split())
        return f"{tags} versions, triggers: {dict(sorted(triggers.items()))}"


def _kill_tree(process: ForkServerProcess) -> None:
    """As the machine does when it goes down: all of it, children first."""
    with suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.kill()
    with suppress(ProcessLookupError):
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
