"""The states of a rollout and what leads from one to the next.

    PENDING -> MIRRORING -> STEPPING 5 -> 25 -> 50 -> PROMOTED (100)
                     any step may wait as AWAITING_APPROVAL
    evidence of harm, a deadline -> ROLLED_BACK         a person, no start -> ABORTED

Every function here is pure: a tick can be repeated, and whoever takes over from a controller that
was killed gets the same answer from the same state. In each doubt the champion has all requests.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from msgspec import structs

from pipelines.errors import RolloutError
from pipelines.rollout import tally, waiting, wording
from pipelines.rollout.analysis import judge
from pipelines.rollout.events import Aborted, Approved, Event, Looked, Ready
from pipelines.rollout.evidence import Evidence
from pipelines.rollout.instant import Instant
from pipelines.rollout.plan import MIRROR, Plan
from pipelines.rollout.routing import Routing, routing
from pipelines.rollout.state import Phase, State
from pipelines.verdicts import Outcome, Verdict


class Advance(NamedTuple):
    """What a tick comes to: write the state down before the routing is applied.

    Attributes:
        state: the next one.
        routing: what the gateway is to do in it.
        verdict: on the evidence so far, of the stage that it was collected in; None if no new
            evidence was looked at.
    """

    state: State
    routing: Routing
    verdict: Verdict | None


def begin(plan: Plan, registered: Collection[str], position: float, now: Instant) -> State:
    """The first state: the champion has all requests, the challenger is being started.

    Args:
        plan: what to do.
        registered: the versions that exist in full.
        position: where the source of evidence is now; what came before does not count.
        now: the moment.

    Raises:
        RolloutError: a version is not registered.
    """
    for version in (plan.champion, plan.challenger):
        if version not in registered:
            raise RolloutError(
                f"{version} is not registered",
                where=f"rollout of {plan.model}",
                next_step=f"name one of {', '.join(sorted(registered)) or 'none yet: retrain'}",
            )
    return State(
        plan=plan,
        phase=Phase.PENDING,
        stage=0,
        is_paused=False,
        reason=f"waiting for {plan.challenger} to become ready",
        generation=1,
        clock=now,
        elapsed_seconds=0.0,
        entered_seconds=0.0,
        seen_seconds=0.0,
        position=position,
        tally=tally.begin(plan),
    )


def advance(state: State, event: Event, now: Instant) -> Advance:
    """Take in what happened. The same event at the same moment, again, changes nothing.

    The settings are those of the plan: a change of params.yaml is one for the next rollout.

    Raises:
        RolloutError: the event does not fit the state; nothing has changed.
        DataError: the evidence counts a metric that this rollout does not.
    """
    following, verdict = _next(state, event, now)
    if _route(following) != _route(state):
        following = structs.replace(following, generation=state.generation + 1)
    return Advance(following, routing(following), verdict)


def _next(state: State, event: Event, now: Instant) -> tuple[State, Verdict | None]:
    if isinstance(event, Aborted):
        return _abort(state, event), None
    if not state.phase.is_final:
        state = waiting.pass_time(state, now)
    if isinstance(event, Approved):
        return _approve(state, event), None
    if state.phase.is_final:
        return state, None
    if isinstance(event, Looked):
        return _look(state, event.evidence)
    if isinstance(event, Ready):
        return _ready(state), None
    return _unseen(state, event.why), None


def _route(state: State) -> tuple[Any, ...]:
    now = routing(state)
    return (tuple(now.weights.items()), now.mirror)


def _ready(state: State) -> State:
    is_exposed = state.plan.stages[0] != MIRROR
    if state.phase is not Phase.PENDING or (is_exposed and waiting.is_blind(state)):
        return _unseen(state, "no evidence was looked at")
    return _enter(state, 0)


def _unseen(state: State, why: str) -> State:
    return waiting.overdue(waiting.pause_if_blind(state, why))


def _enter(state: State, stage: int) -> State:
    """Begin a stage, or be promoted behind the last."""
    stages = state.plan.stages
    if stage == len(stages):
        reason = f"every step passed: {state.plan.challenger} has all requests"
        return waiting.end(state, Phase.PROMOTED, reason)
    weight = stages[stage]
    if weight == MIRROR:
        phase, reason = Phase.MIRRORING, f"{state.plan.challenger} answers copies of all requests"
    else:
        phase, reason = Phase.STEPPING, f"{state.plan.challenger} has {weight} % of the requests"
    return structs.replace(
        state,
        phase=phase,
        stage=stage,
        reason=reason,
        entered_seconds=state.elapsed_seconds,
        # The tests of the first stage have begun when the rollout did.
        tally=state.tally if stage == 0 else tally.next_stage(state.tally),
    )


def _look(state: State, evidence: Evidence) -> tuple[State, Verdict | None]:
    if evidence.end <= state.position:
        # Seen before: a tick that is repeated, or a source that stands still.
        return _unseen(state, "the source of evidence stands still"), None
    if evidence.begin != state.position:
        raise RolloutError(
            f"the evidence begins at {evidence.begin}, and was read up to {state.position}",
            where=f"rollout of {state.plan.model}",
            next_step="read the evidence from that position on",
        )
    state = structs.replace(state, position=evidence.end, seen_seconds=state.elapsed_seconds)
    if state.phase is Phase.PENDING:
        return waiting.overdue(state), None
    counted = tally.add(state.tally, evidence, state.plan, state.stage)
    state = waiting.resume(structs.replace(state, tally=counted))
    verdict = judge(state.tally, state.plan, state.stage)
    return _decide(state, verdict), verdict


def _decide(state: State, verdict: Verdict) -> State:
    if verdict.outcome is Outcome.FAILED:
        return waiting.end(state, Phase.ROLLED_BACK, verdict.reason)
    if state.phase is Phase.AWAITING_APPROVAL:
        return waiting.overdue(state)
    least = state.plan.settings.minimum_hours * 3600
    if verdict.has_passed and waiting.seconds_here(state) >= least:
        return _pass(state)
    reason = verdict.reason
    if verdict.has_passed:
        reason = f"all metrics passed; the step lasts {wording.hours(least)} at least"
    reason = f"holding at {waiting.step_name(state)}: {reason}"
    return waiting.overdue(structs.replace(state, reason=reason))


def _pass(state: State) -> State:
    if waiting.next_percent(state) not in state.plan.settings.approval:
        return _enter(state, state.stage + 1)
    return structs.replace(
        state,
        phase=Phase.AWAITING_APPROVAL,
        reason=waiting.waits_for_a_person(state),
        entered_seconds=state.elapsed_seconds,
    )


def _approve(state: State, event: Approved) -> State:
    is_asked = state.phase is Phase.AWAITING_APPROVAL and not waiting.overdue(state).phase.is_final
    if is_asked and waiting.is_blind(state):
        raise RolloutError(
            f"no evidence has been seen for {wording.hours(state.plan.settings.blind_seconds)}",
            where=f"rollout of {state.plan.model}",
            next_step="approve it when the rollout sees again; `evergreen status` shows it",
        )
    if is_asked and event.percent == waiting.next_percent(state):
        entered = _enter(state, state.stage + 1)
        return structs.replace(entered, reason=f"{entered.reason}, approved by {event.who}")
    was_entered = state.phase is Phase.PROMOTED or (
        not state.phase.is_final
        and event.percent in state.plan.settings.approval
        and event.percent <= state.plan.stages[state.stage]
    )
    if was_entered:
        return state if state.phase.is_final else _unseen(state, "no evidence was looked at")
    raise RolloutError(
        f"the step to {event.percent} % does not wait for an approval: {state.phase}",
        where=f"rollout of {state.plan.model}",
        next_step="look at `evergreen status` for what it waits for",
    )


def _abort(state: State, event: Aborted) -> State:
    if state.phase is Phase.PROMOTED:
        raise RolloutError(
            f"{state.plan.challenger} is live already: there is nothing left to abort",
            where=f"rollout of {state.plan.model}",
            next_step=f"run `evergreen rollback {state.plan.model}`",
        )
    if state.phase.is_final:
        return state
    return waiting.end(state, Phase.ABORTED, f"{event.who}: {event.why}")
