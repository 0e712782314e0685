"""One drill on its way: the rollout that is driven, and what is done to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil

from flows.drills.ground import ADMIN, Ground
from flows.throwaway import MODEL
from pipelines.errors import RolloutError
from pipelines.fleet.fleet import Fleet
from pipelines.fleet.layout import Layout
from pipelines.rollout import store
from pipelines.rollout.routing import routing
from pipelines.rollout.state import Phase, State
from pipelines.stack import applied, programs, servers

TICK_SECONDS = 1.0
# A rollout of a drill takes half a minute on an idle machine.
PATIENCE_SECONDS = 180.0
_POLL_SECONDS = 0.02
# Tells the controller to be killed between its last decision and the routes.
DIES = "--dies-deciding"


@dataclass(frozen=True)
class Mark:
    """Something that was done, at a moment in unix seconds."""

    time: float
    text: str


@dataclass
class Scene:
    """A rollout of `version`, the process that drives it, and what was done to either.

    Attributes:
        ground: where.
        version: the challenger, as "v2".
        marks: what was done, for the page.
        measured: by name, seconds that the scenario itself measured.
        gateway_killed: unix seconds, or None.
        is_dying: whether the controller is killed when it has written how the rollout ends.
    """

    ground: Ground
    version: str
    marks: list[Mark] = field(default_factory=list)
    measured: dict[str, float] = field(default_factory=dict)
    gateway_killed: float | None = None
    _controller: subprocess.Popen[bytes] | None = None
    is_dying: bool = False
    _before: str | None = None

    @property
    def challenger(self) -> str:
        return f"{MODEL}@{self.version}"

    def begin(self) -> None:
        """Start the controller, and wait until it has opened its rollout.

        Raises:
            RolloutError: it ends, or opens none in time.
        """
        before = store.latest(self.ground.engine, MODEL)
        self._before = None if before is None else before.state.plan.id
        self.start_controller()
        self.until(lambda: self.newest() is not None, "a rollout is open")

    def newest(self) -> State | None:
        """The state of this drill's rollout as it is written; None before there is one."""
        stored = store.latest(self.ground.engine, MODEL)
        if stored is None or stored.state.plan.id == self._before:
            return None
        return stored.state

    def state(self) -> State:
        """The same, once there is one."""
        found = self.newest()
        assert found is not None  # `begin` has waited for it
        return found

    def until(
        self, is_so: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS
    ) -> None:
        """Wait for something.

        Raises:
            RolloutError: it does not come, or the controller ended with an error.
        """
        deadline = time.monotonic() + seconds
        while not is_so():
            code = None if self._controller is None else self._controller.poll()
            if code and not (self.is_dying and code == -signal.SIGKILL):
                raise self._failed(f"the controller ended with exit code {code} before {what}")
            if time.monotonic() > deadline:
                raise self._failed(f"it did not come within {seconds:g} s that {what}")
            time.sleep(_POLL_SECONDS)

    def until_step(self, phase: Phase, stage: int | None = None) -> None:
        """Wait until the rollout is in a phase (and stage), or over."""

        def is_there() -> bool:
            state = self.state()
            is_stage = stage is None or state.stage >= stage
            return state.phase.is_final or (state.phase is phase and is_stage)

        self.until(is_there, f"the rollout is {phase}")

    def until_over(self) -> None:
        """Wait until the rollout is over, and what it came to is routed."""
        self.until(lambda: self.state().phase.is_final, "the rollout is over")
        if self._controller is not None:
            self.until(
                lambda: self._controller is None or self._controller.poll() is not None,
                "the controller has ended",
            )

    def mark(self, text: str) -> float:
        """Note that something is done now; the moment, in unix seconds."""
        self.marks.append(Mark(time.time(), text))
        return self.marks[-1].time

    def inject(self, *fault: str) -> None:
        """Plant a fault before the challenger, as a person would."""
        given = ("--version", self.version, "--minutes", "5")
        self.ground.demo.evergreen("inject", MODEL, *fault, *given, "--client", ADMIN)
        self.mark("fault: " + " ".join(fault))

    def start_controller(self) -> None:
        """Start whoever ticks."""
        demo = self.ground.demo
        with demo.log.open("ab") as log:
            self._controller = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "flows.drills.controller",
                    MODEL,
                    self.version,
                    str(TICK_SECONDS),
                    *([DIES] if self.is_dying else []),
                ],
                cwd=demo.clone,
                env=demo.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill_controller(self) -> None:
        """SIGKILL whoever ticks."""
        if self._controller is not None:
            self._controller.kill()
            self._controller.wait()
            self._controller = None

    def kill(self, program: str) -> float | None:
        """SIGKILL a program of the stack with its children.

        Returns:
            The moment, in unix seconds; None if it does not run just now.
        """
        fleet = Fleet(Layout.of(self.ground.home))
        pid = next((each.pid for each in fleet.processes() if each.program == program), None)
        if pid is None:
            return None
        try:
            tree = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        except psutil.NoSuchProcess:
            return None
        for process in tree:
            try:
                os.kill(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue  # with its parent
        return time.time()

    def kill_gateway(self) -> None:
        """SIGKILL Envoy.

        Raises:
            RolloutError: it does not run.
        """
        self.gateway_killed = self.kill(programs.GATEWAY)
        if self.gateway_killed is None:
            raise self._failed("Envoy does not run")
        self.mark("kill -9 of Envoy")

    def kill_server(self) -> float | None:
        """SIGKILL the challenger's server."""
        return self.kill(servers.names(self.challenger, 1)[0])

    def are_weights_as_written(self) -> bool:
        """Whether the gateway was told what follows from the last state that is written."""
        wanted = {version: n for version, n in routing(self.state()).weights.items() if n}
        return applied.read(self.ground.home).weights.get(MODEL) == wanted

    def _failed(self, problem: str) -> RolloutError:
        return RolloutError(
            problem,
            where=str(self.ground.demo.log),
            next_step="its last lines say why; --keep leaves the clone to look into",
        )
