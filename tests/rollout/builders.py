"""Plans, moments and evidence, with what a test does not care about filled in."""

from __future__ import annotations

from typing import Any

from pipelines.rollout import machine
from pipelines.rollout.events import Looked, Ready
from pipelines.rollout.evidence import Counts, Evidence, Exposure, ShadowPairs
from pipelines.rollout.instant import Instant
from pipelines.rollout.plan import Expected, Plan
from pipelines.rollout.state import State
from pipelines.settings import RolloutSettings
from pipelines.statistics.sequential.bounded_mean import Moments

CHAMPION, CHALLENGER = "alpha@v1", "alpha@v2"
REGISTERED = {CHAMPION, CHALLENGER, "alpha@v3"}
METRICS = ("errors", "timeouts", "invalid", "latency")
TICK = 10.0


def plan(id: str = "r-1", model: str = "alpha", **settings: Any) -> Plan:
    return Plan(
        id=id,
        model=model,
        champion=CHAMPION,
        challenger=CHALLENGER,
        latency_ms=40.0,
        expected=Expected(disagreement=0.02, gap=0.03),
        settings=RolloutSettings(**settings),
    )


def at(seconds: float, boot: str = "b1", host: str = "h1", wall: float | None = None) -> Instant:
    return Instant(1000.0 + (seconds if wall is None else wall), 50.0 + seconds, host, boot)


def counts(requests: int, bad: int) -> Counts:
    return Counts(requests, bad)


def exposures(
    weight: int, requests: int = 1000, bad: int = 0, champion_bad: int = 0, metrics: Any = METRICS
) -> tuple[Exposure, ...]:
    """The same counts for each metric, both arms with as many requests as the weight gives them."""
    share = weight / 100 if weight else 0.5
    other = max(round(requests * (1 - share) / share), 1)
    return tuple(
        Exposure(metric, weight, Counts(requests, bad), Counts(other, min(champion_bad, other)))
        for metric in metrics
    )


def pairs(count: int = 5000, disagreement: float = 0.02, gap: float = 0.03) -> ShadowPairs:
    other = round(count * disagreement)
    return ShadowPairs(Moments(count, other, other), Moments(count, count * gap, count * gap**2))


def begun(position: float = 0.0, **settings: Any) -> State:
    return machine.begin(plan(**settings), REGISTERED, position, at(0))


def ready(**settings: Any) -> State:
    return machine.advance(begun(**settings), Ready(), at(1)).state


def look(
    state: State, seen: tuple[Exposure, ...] = (), shadow: ShadowPairs | None = None
) -> machine.Advance:
    """One tick, ten seconds after the last, with this evidence since then."""
    evidence = Evidence(
        state.position, state.position + TICK, seen, ShadowPairs() if shadow is None else shadow
    )
    return machine.advance(state, Looked(evidence), later(state, TICK))


def good(state: State) -> machine.Advance:
    """One tick whose evidence lets any step pass."""
    weight = state.plan.stages[state.stage]
    return look(state, exposures(weight, 20_000), pairs(20_000))


def later(state: State, seconds: float) -> Instant:
    clock = state.clock
    return Instant(clock.wall + seconds, clock.uptime + seconds, clock.host, clock.boot)
