"""What the gateway is to do in each state; nothing else decides about requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.rollout.plan import MIRROR
from pipelines.rollout.state import Phase, State

FULL = 100


@dataclass(frozen=True)
class Routing:
    """What the gateway is to do.

    Attributes:
        generation: of two routings the higher one holds.
        weights: percent of the requests by version; they sum to 100.
        mirror: the version that answers copies of all requests, unseen, or None.
    """

    generation: int
    weights: Mapping[str, int]
    mirror: str | None


def routing(state: State) -> Routing:
    """The routing of a state. Whatever is not known to be right gives the champion everything."""
    plan, percent = state.plan, percent_of(state)
    weights = {plan.champion: FULL - percent, plan.challenger: percent}
    is_mirrored = state.phase is Phase.MIRRORING or (
        # A mirror that waits to be approved goes on, or the wait would be blind.
        state.phase is Phase.AWAITING_APPROVAL and plan.stages[state.stage] == MIRROR
    )
    return Routing(state.generation, weights, plan.challenger if is_mirrored else None)


def percent_of(state: State) -> int:
    """What the challenger has of the requests, 0 to 100."""
    if state.phase is Phase.PROMOTED:
        return FULL
    is_exposed = state.phase in (Phase.STEPPING, Phase.AWAITING_APPROVAL) and not state.is_paused
    return state.plan.stages[state.stage] if is_exposed else 0
