"""A rollout as it is written down, and read again by whoever goes on with it."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Any

import msgspec

from pipelines.errors import EvergreenError, StateError
from pipelines.rollout.instant import Instant
from pipelines.rollout.plan import MIRROR, Plan
from pipelines.rollout.tally import Tally, begin
from pipelines.settings import RolloutSettings

SCHEMA = 1


class Phase(StrEnum):
    """Where a rollout is. The last three are final."""

    PENDING = "pending"  # the challenger is being started
    MIRRORING = "mirroring"
    STEPPING = "stepping"
    AWAITING_APPROVAL = "awaiting approval"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled back"  # the evidence, or a deadline, said so
    ABORTED = "aborted"  # a person said so, or it never started

    @property
    def is_final(self) -> bool:
        return self in (Phase.PROMOTED, Phase.ROLLED_BACK, Phase.ABORTED)


class State(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that the next tick needs.

    Attributes:
        plan: frozen at the beginning, settings included.
        phase, stage: where it is; `stage` is the number of the step in `plan.stages`.
        is_paused: whether the champion has all requests until there is evidence again.
        reason: why it is where it is, in words.
        generation: grows with every change of the routing, so that a gateway can tell the newest.
        clock: the moment of the last tick.
        elapsed_seconds: from the beginning to that moment.
        entered_seconds: how much of it had passed when this phase or stage began.
        seen_seconds: the same of the last look that saw anything of the source.
        position: how far the source of evidence was read.
        tally: the evidence up to there.
    """

    plan: Plan
    phase: Phase
    stage: int
    is_paused: bool
    reason: str
    generation: int
    clock: Instant
    elapsed_seconds: float
    entered_seconds: float
    seen_seconds: float
    position: float
    tally: Tally
    schema: int = SCHEMA


def encode(state: State) -> str:
    """The state as JSON."""
    return msgspec.json.encode(state, enc_hook=_to_json).decode()


def decode(text: str, where: str) -> State:
    """The state that `encode` wrote.

    Args:
        text: the JSON.
        where: what to call the place it was found in.

    Raises:
        StateError: it is damaged, does not fit together, or is of another release.
    """
    try:
        version = msgspec.json.decode(text, type=_Version)
        if version.schema != SCHEMA:
            raise _unreadable(
                f"has the schema {version.schema}, this release reads {SCHEMA}", where
            )
        state = msgspec.json.decode(text, type=State, dec_hook=_from_json)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise _unreadable(f"is damaged: {error}", where) from error
    except StateError:
        raise
    except EvergreenError as error:
        raise _unreadable(f"is damaged: {error.problem}", where) from error
    wrong = _wrong(state)
    if wrong:
        raise _unreadable(f"does not fit together: {wrong}", where)
    return state


class _Version(msgspec.Struct):
    schema: int


def _wrong(state: State) -> str:
    """What cannot be true of any state that the machine was in; empty if nothing."""
    plan, fresh = state.plan, begin(state.plan)
    if not 0 <= state.stage < len(plan.stages):
        return f"there is no stage {state.stage}"
    times = (state.entered_seconds, state.seen_seconds, state.elapsed_seconds)
    mirrors = plan.stages[state.stage] == MIRROR
    if (state.phase is Phase.MIRRORING and not mirrors) or (
        state.phase is Phase.STEPPING and mirrors
    ):
        return f"{state.phase} is no phase of stage {state.stage}"
    if not all(math.isfinite(time) and 0 <= time <= state.elapsed_seconds for time in times):
        return f"its times are {times}"
    if state.generation < 1 or not math.isfinite(state.position):
        return f"generation {state.generation}, position {state.position}"
    if _shape(state.tally) != _shape(fresh):
        return "its metrics are not those of its settings"
    return ""


def _shape(tally: Tally) -> dict[str, tuple[list[int], int]]:
    return {
        name: ([len(row) for row in metric.harm], len(metric.relative))
        for name, metric in tally.metrics.items()
    }


def _unreadable(problem: str, where: str) -> StateError:
    return StateError(
        f"the state of the rollout {problem}",
        where=where,
        next_step="route everything to the champion with `evergreen rollback`, and begin anew",
    )


def _to_json(value: Any) -> Any:
    if isinstance(value, RolloutSettings):
        return value.model_dump(mode="json")
    raise NotImplementedError(f"{type(value)} is no part of a state")


def _from_json(kind: type, value: Any) -> Any:
    if kind is RolloutSettings:
        return RolloutSettings.model_validate(value)
    raise NotImplementedError(f"{kind} is no part of a state")
