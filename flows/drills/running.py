"""All drills of a run, one after another, on one stack and one stream of requests."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from flows.drills.answers import Bad
from flows.drills.ground import CHAMPION, MODEL, Ground
from flows.drills.load import Load
from flows.drills.measuring import Seen, result
from flows.drills.result import Result
from flows.drills.scenarios import Scenario
from flows.drills.scene import Scene
from pipelines.errors import EvergreenError, RolloutError
from pipelines.state import ledger

# The champion's latency is taken from what clients saw of it, once there are 300 of them.
WARM_ANSWERS = 400
_WARM_SECONDS = 120.0
# Envoy writes a request down a moment after it has answered.
_WRITTEN_SECONDS = 1.5
_AFTERWARDS_SECONDS = 2.0


def run(
    ground: Ground, load: Load, chosen: Sequence[Scenario], tell: Callable[[Result], None]
) -> list[Result]:
    """Run drills; what keeps one from its end is its result, and the next one goes on.

    Args:
        ground: with the stack up.
        load: running.
        chosen: what is drilled.
        tell: called with each result.

    Raises:
        GatewayError: nobody answers the clients, or they had to stop.
    """
    warm_up(load)
    results = []
    for scenario in chosen:
        results.append(drill(ground, load, scenario))
        tell(results[-1])
    return results


def warm_up(load: Load) -> None:
    """Wait until the champion's latency can be told."""
    deadline = time.monotonic() + _WARM_SECONDS
    while sum(each.is_good for each in load.between(0, time.time())) < WARM_ANSWERS:
        if time.monotonic() > deadline:
            raise RolloutError(
                f"the champion did not answer {WARM_ANSWERS} requests in {_WARM_SECONDS:g} s",
                where="the gateway of the clone",
                next_step="look at the logs of the clone; --keep leaves it",
            )
        time.sleep(0.2)


def drill(ground: Ground, load: Load, scenario: Scenario) -> Result:
    """One drill, from the champion at 100 % to the end of its rollout."""
    begin, scene = time.time(), Scene(ground, scenario.version)
    try:
        restore(ground)
        begin = time.time()
        scene.begin()
        scenario.act(scene)
        scene.until_over()
        time.sleep(_AFTERWARDS_SECONDS)
        end = time.time()
        time.sleep(_WRITTEN_SECONDS)
        seen = Seen(
            begin,
            end,
            load.between(begin, end),
            ground.accesses(begin, end),
            scene.state(),
            scene.marks,
            scene.measured,
            scene.gateway_killed,
        )
        return result(scenario, seen)
    except EvergreenError as error:
        load.require()
        return _unknown(scenario, load, begin, error)
    finally:
        scene.kill_controller()


def restore(ground: Ground) -> None:
    """The first version live, no rollout open, no fault planted.

    Raises:
        WorkspaceError: a verb fails.
    """
    ground.demo.evergreen("inject", MODEL, "--clear")
    live = ledger.live(ground.engine, MODEL)
    if ground.has_open_rollout() or (live and live.version != f"{MODEL}@{CHAMPION}"):
        ground.demo.evergreen("rollback", MODEL, "--to", CHAMPION, "--reason", "the next drill")


def _unknown(scenario: Scenario, load: Load, begin: float, error: EvergreenError) -> Result:
    answers = load.between(begin, time.time())
    return Result(
        name=scenario.name,
        title=scenario.title,
        expected=scenario.expected.value,
        real="unknown",
        reason=error.problem,
        decision_seconds=None,
        measured={},
        requests=len(answers),
        sent_again=0,
        bad=Bad(0, 0, 0, 0),
        problems=[str(error)],
    )
