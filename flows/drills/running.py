"""All drills of a run, one after another, on one stack and one stream of requests."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from flows.drills import rollbacks
from flows.drills.answers import bad
from flows.drills.ground import ADMIN, CHAMPION, Ground
from flows.drills.load import Load
from flows.drills.measuring import Seen, result
from flows.drills.result import Result
from flows.drills.scenarios import SCENARIOS, Scenario
from flows.drills.scene import Scene
from flows.throwaway import MODEL
from pipelines.errors import EvergreenError, RolloutError
from pipelines.state import ledger

NAMES = (*SCENARIOS, *rollbacks.DRILLS)
# The champion's latency is taken from what clients saw of it, once there are 300 of them.
WARM_ANSWERS = 400
_WARM_SECONDS = 120.0
# Envoy writes a request down a moment after it has answered.
_WRITTEN_SECONDS = 1.5
_AFTERWARDS_SECONDS = 2.0


def run(
    ground: Ground, load: Load, names: Sequence[str], tell: Callable[[Result], None]
) -> list[Result]:
    """Run drills; what keeps one from its end is its result, and the next one goes on.

    Args:
        ground: with the stack up.
        load: running.
        names: of NAMES.
        tell: called with each result.

    Raises:
        GatewayError: nobody answers the clients, or they had to stop.
    """
    warm_up(load)
    results = []
    for name in names:
        results.append(_one(ground, load, name))
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


def _one(ground: Ground, load: Load, name: str) -> Result:
    begin = time.time()
    try:
        restore(ground)
        begin = time.time()
        if name in rollbacks.DRILLS:
            return rollbacks.DRILLS[name].run(ground, load)
        return drill(ground, load, SCENARIOS[name])
    except EvergreenError as error:
        load.require()  # whose own failure explains it, and every later one
        return _unknown(name, load, begin, error)


def drill(ground: Ground, load: Load, scenario: Scenario) -> Result:
    """One drill of a rollout, from the champion at 100 % to its end.

    Raises:
        EvergreenError: it does not come to its end.
    """
    begin, scene = time.time(), Scene(ground, scenario.version, is_dying=scenario.is_dying)
    try:
        scene.begin()
        scenario.act(scene)
        scene.until_over()
    finally:
        scene.kill_controller()
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


def restore(ground: Ground) -> None:
    """The first version live, no rollout open, no fault planted.

    Raises:
        WorkspaceError: a verb fails.
    """
    ground.demo.evergreen("inject", MODEL, "--clear", "--client", ADMIN)
    live = ledger.live(ground.engine, MODEL)
    if ground.has_open_rollout() or (live and live.version != f"{MODEL}@{CHAMPION}"):
        ground.demo.evergreen("rollback", MODEL, "--to", CHAMPION, "--reason", "the next drill")


def _unknown(name: str, load: Load, begin: float, error: EvergreenError) -> Result:
    """A drill that did not come to its end says nothing good of anything."""
    answers = load.between(begin, time.time())
    scenario = SCENARIOS.get(name)
    title = rollbacks.DRILLS[name].title if scenario is None else scenario.title
    expected = rollbacks.DRILLS[name].expected if scenario is None else scenario.expected.value
    return Result(
        name=name,
        title=title,
        expected=expected,
        real="unknown",
        reason=error.problem,
        decision_seconds=None,
        measured={},
        requests=len(answers),
        sent_again=sum(each.tries > 1 for each in answers),
        bad=bad(answers, (), ""),
        problems=[str(error)],
    )
