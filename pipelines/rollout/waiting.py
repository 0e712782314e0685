"""What becomes of a rollout when time passes and nothing else happens."""

from __future__ import annotations

from msgspec import structs

from pipelines.rollout import wording
from pipelines.rollout.instant import Instant, seconds_between
from pipelines.rollout.plan import MIRROR
from pipelines.rollout.routing import FULL, percent_of
from pipelines.rollout.state import Phase, State


def pass_time(state: State, now: Instant) -> State:
    """The same state at a later moment; one that seems earlier takes no time."""
    elapsed = state.elapsed_seconds + seconds_between(state.clock, now)
    return structs.replace(state, clock=now, elapsed_seconds=elapsed)


def seconds_here(state: State) -> float:
    """How long the phase or stage has lasted."""
    return state.elapsed_seconds - state.entered_seconds


def is_blind(state: State) -> bool:
    """Whether nobody has seen any evidence for `blind_seconds`."""
    unseen = state.elapsed_seconds - state.seen_seconds
    return unseen >= state.plan.settings.blind_seconds


def pause_if_blind(state: State, why: str) -> State:
    """Nobody is exposed to what nobody watches."""
    if state.is_paused or not is_blind(state) or percent_of(state) == 0:
        return state
    reason = f"paused, {state.plan.champion} has all requests: {why}"
    return structs.replace(state, is_paused=True, reason=reason)


def resume(state: State) -> State:
    """Evidence is back: the step goes on with its weight."""
    if not state.is_paused:
        return state
    reason = f"evidence is back: {step_name(state)} goes on"
    if state.phase is Phase.AWAITING_APPROVAL:
        reason = waits_for_a_person(state)
    return structs.replace(state, is_paused=False, reason=reason)


def overdue(state: State) -> State:
    """Back to the champion when the phase has lasted too long."""
    settings, here = state.plan.settings, seconds_here(state)
    if state.phase is Phase.PENDING:
        if here < settings.ready_minutes * 60:
            return state
        reason = f"{state.plan.challenger} was not ready after {wording.hours(here)}"
        return end(state, Phase.ABORTED, reason)
    is_waiting = state.phase is Phase.AWAITING_APPROVAL
    allowed = (settings.approval_hours if is_waiting else settings.deadline_hours) * 3600
    if here < allowed:
        return state
    late = f"deadline of {wording.hours(allowed)} reached"
    return end(state, Phase.ROLLED_BACK, f"{late}; {state.reason}")


def end(state: State, phase: Phase, reason: str) -> State:
    """The last state of a rollout."""
    return structs.replace(state, phase=phase, reason=reason, is_paused=False)


def next_percent(state: State) -> int:
    """The weight of the step behind this one."""
    return (*state.plan.stages, FULL)[state.stage + 1]


def waits_for_a_person(state: State) -> str:
    """The reason of AWAITING_APPROVAL."""
    return f"{step_name(state)} passed; the step to {next_percent(state)} % waits for a person"


def step_name(state: State) -> str:
    """The stage in words."""
    weight = state.plan.stages[state.stage]
    return "the mirror" if weight == MIRROR else f"{weight} %"
