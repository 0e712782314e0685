"""What is drilled: what is done to a rollout, and what should become of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from flows.drills.ground import GOOD, WRONG
from flows.drills.scene import Scene
from pipelines.errors import RolloutError
from pipelines.rollout.state import Phase

# Names of what a scenario measures, with the most it may be, in seconds.
SERVING_AGAIN = "serving again"
WEIGHTS_HOLD = "weights as written"
TO_ZERO = "decision to weight 0"
LIMITS = {SERVING_AGAIN: 2.0, WEIGHTS_HOLD: 2.0, TO_ZERO: 2.0}
_KILL_EVERY_SECONDS = 0.5
_FIRST_STEP, _SECOND_STEP = 1, 2


@dataclass(frozen=True)
class Scenario:
    """One drill.

    Attributes:
        name: as it is typed.
        title: what happens, in words.
        version: the challenger.
        expected: how its rollout should end.
        act: what is done to it on its way.
        is_dying: whether the controller is killed between its last decision and the routes.
    """

    name: str
    title: str
    version: str
    expected: Phase
    act: Callable[[Scene], None]
    is_dying: bool = False


def _nothing(scene: Scene) -> None:
    """The rollout is left alone."""


def _fail(scene: Scene) -> None:
    scene.until_step(Phase.MIRRORING)
    scene.inject("--abort", "503", "--percent", "50")


def _fail_exposed(scene: Scene) -> None:
    """Only at the first step, so that there is a weight to be taken away."""
    scene.until_step(Phase.STEPPING, _FIRST_STEP)
    _require_running(scene, "its controller could be killed")
    scene.inject("--abort", "503", "--percent", "50")


def _slow_down(scene: Scene) -> None:
    scene.until_step(Phase.MIRRORING)
    scene.inject("--delay", "300ms", "--percent", "50")


def _kill_gateway(scene: Scene) -> None:
    scene.until_step(Phase.STEPPING, _FIRST_STEP)
    _require_running(scene, "the gateway could be killed")
    scene.kill_gateway()


def _kill_server(scene: Scene) -> None:
    scene.until_step(Phase.STEPPING, _FIRST_STEP)
    _require_running(scene, "its server could be killed")
    scene.mark("kill -9 of the challenger, again and again")
    deadline = time.monotonic() + 120
    while not scene.state().phase.is_final and time.monotonic() < deadline:
        scene.kill_server()
        time.sleep(_KILL_EVERY_SECONDS)


def _kill_controller(scene: Scene) -> None:
    """In each phase; for a while nobody ticks, and then another process does."""
    slowest = 0.0
    steps: list[tuple[Phase, int | None]] = [(Phase.PENDING, None), (Phase.MIRRORING, None)]
    steps += [(Phase.STEPPING, _FIRST_STEP), (Phase.STEPPING, _SECOND_STEP)]
    for phase, stage in steps:
        scene.until_step(phase, stage)
        _require_running(scene, f"the controller could be killed in {phase}")
        scene.kill_controller()
        killed = scene.mark(f"kill -9 of the controller ({phase})")
        scene.until(scene.are_weights_as_written, "the weights are those written last")
        slowest = max(slowest, time.time() - killed)
        scene.start_controller()
    scene.measured[WEIGHTS_HOLD] = slowest


def _require_running(scene: Scene, what: str) -> None:
    state = scene.state()
    if state.phase.is_final:
        raise RolloutError(
            f"the rollout was {state.phase} before {what}: {state.reason}",
            where=f"rollout of {scene.challenger}",
            next_step="run the drill again, on a machine that is less busy",
        )


SCENARIOS = {
    each.name: each
    for each in (
        Scenario("good", "a good challenger", GOOD, Phase.PROMOTED, _nothing),
        Scenario("errors", "half of its answers are 503", GOOD, Phase.ROLLED_BACK, _fail),
        Scenario("slow", "half of its answers wait 300 ms", GOOD, Phase.ROLLED_BACK, _slow_down),
        Scenario("wrong", "it answers the opposite", WRONG, Phase.ROLLED_BACK, _nothing),
        Scenario("gateway", "kill -9 of Envoy", GOOD, Phase.PROMOTED, _kill_gateway),
        Scenario("server", "kill -9 of its server", GOOD, Phase.ROLLED_BACK, _kill_server),
        Scenario("controller", "kill -9 of who ticks", GOOD, Phase.PROMOTED, _kill_controller),
        Scenario(
            *("decision", "kill -9 of who decided, before the routes", GOOD, Phase.ROLLED_BACK),
            *(_fail_exposed, True),
        ),
    )
}
