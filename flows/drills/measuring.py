"""From what clients, gateway and state store tell of a drill to its result. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flows.drills.answers import Answer, bad, gap_seconds, seconds_to_zero
from flows.drills.result import Moment, Result, problems
from flows.drills.scenarios import LIMITS, SERVING_AGAIN, TO_ZERO, Scenario
from flows.drills.scene import Mark
from pipelines.gateway.access_log import Access
from pipelines.rollout.state import Phase, State

_NEVER = math.inf


@dataclass(frozen=True)
class Seen:
    """A drill as everybody tells it.

    Attributes:
        begin, end: unix seconds.
        answers: what clients saw.
        accesses: what the gateway wrote.
        state: the last one of the rollout.
        marks: what was done.
        measured: seconds by name, as the scenario took them.
        gateway_killed: unix seconds, or None.
    """

    begin: float
    end: float
    answers: Sequence[Answer]
    accesses: Sequence[Access]
    state: State
    marks: Sequence[Mark]
    measured: Mapping[str, float]
    gateway_killed: float | None = None


def result(scenario: Scenario, seen: Seen) -> Result:
    """What came of a drill."""
    plan, state = seen.state.plan, seen.state
    found = bad(seen.answers, seen.accesses, plan.champion)
    measured = {**seen.measured, **_measured(seen)}
    return Result(
        name=scenario.name,
        title=scenario.title,
        expected=scenario.expected.value,
        real=state.phase.value,
        reason=state.reason,
        decision_seconds=state.elapsed_seconds if state.phase.is_final else None,
        measured=measured,
        requests=len(seen.answers),
        sent_again=sum(each.tries > 1 for each in seen.answers),
        bad=found,
        problems=problems(scenario.expected.value, state.phase.value, found, measured, LIMITS),
        timeline=timeline(seen.answers, seen.accesses, plan.challenger, seen.begin),
        marks=[(each.time - seen.begin, each.text) for each in seen.marks],
    )


def _measured(seen: Seen) -> dict[str, float]:
    found: dict[str, float] = {}
    state = seen.state
    if state.phase.is_final and state.phase is not Phase.PROMOTED:
        taken = seconds_to_zero(seen.accesses, state.plan.challenger, state.clock.wall)
        found[TO_ZERO] = _NEVER if taken is None else taken
    if seen.gateway_killed is not None:
        gap = gap_seconds(seen.answers, seen.gateway_killed)
        found[SERVING_AGAIN] = _NEVER if gap is None else gap
    return found


def timeline(
    answers: Sequence[Answer], accesses: Sequence[Access], challenger: str, begin: float
) -> list[Moment]:
    """A drill by the second: who answered, at which weights, and what was bad.

    A second that the gateway wrote nothing of has the weight of the one before.
    """
    by_second: dict[int, Counter[str]] = {}
    percent: dict[int, int] = {}
    for each in accesses:
        if each.kind != "predict" or each.time < begin:
            continue
        second = int(each.time - begin)
        by_second.setdefault(second, Counter())[each.answered or "nobody"] += 1
        percent[second] = each.weights.get(challenger, 0)
    wrong = Counter(int(each.ended - begin) for each in answers if not each.is_good)
    moments, last = [], 0
    for second in range(max([*by_second, *wrong], default=-1) + 1):
        last = percent.get(second, last)
        answered = dict(by_second.get(second, Counter()))
        moments.append(Moment(second, last, answered, wrong.get(second, 0)))
    return moments
