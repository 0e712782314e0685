"""Which versions of a model should run, and who of them gets which requests. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pipelines.rollout.instant import Instant, seconds_between
from pipelines.rollout.routing import FULL, routing
from pipelines.rollout.state import State
from pipelines.state.ledger import ROLLED_BACK, Entry


@dataclass(frozen=True)
class Known:
    """What the state store says of one model.

    Attributes:
        model: its name.
        entries: of the ledger, the newest first.
        rollout: the open one, or None.
        servable: the versions whose bento is on this machine.
        now: the moment.
        doubt: why the rollout, if there is one, could not be read.
    """

    model: str
    entries: Sequence[Entry]
    rollout: State | None
    servable: frozenset[str]
    now: Instant
    doubt: str | None = None


@dataclass(frozen=True)
class Wanted:
    """What should be true of one model.

    Attributes:
        model: its name.
        champion: the version that is live.
        weights: percent of the requests by version; they sum to 100.
        mirror: the version that answers copies, or None.
        challenger: of the open rollout, or None.
        previous: what a rollback would return to, or None.
        problems: by version (or model), why it cannot be as the store says.
    """

    model: str
    champion: str
    weights: Mapping[str, int]
    mirror: str | None = None
    challenger: str | None = None
    previous: str | None = None
    problems: Mapping[str, str] = field(default_factory=dict)

    @property
    def versions(self) -> tuple[str, ...]:
        """Those that should run, the most needed first."""
        named = (self.champion, self.challenger, self.previous)
        return tuple(dict.fromkeys(v for v in named if v and v not in self.problems))


def wanted(known: Known) -> Wanted | None:
    """What should be true of a model; None before anything of it was live.

    Any doubt about the rollout gives the champion everything.
    """
    if not known.entries:
        return None
    live, previous = known.entries[0].version, previous_live(known.entries)
    problems = dict(_unservable(known, (live, previous)))
    if known.doubt is not None:
        problems[known.model] = known.doubt
    rollout = known.rollout
    alone = Wanted(known.model, live, {live: FULL}, None, None, previous, problems)
    if rollout is None or known.doubt is not None:
        return alone
    plan = rollout.plan
    if plan.champion != live:
        why = f"the rollout of {plan.challenger} began when {plan.champion} was live; {live} is now"
        return Wanted(
            known.model, live, {live: FULL}, None, None, previous, {**problems, known.model: why}
        )
    problems |= dict(_unservable(known, (plan.challenger,)))
    told = routing(rollout)
    if plan.challenger in problems:
        return Wanted(known.model, live, {live: FULL}, None, plan.challenger, previous, problems)
    weights = told.weights
    unattended = _unattended(rollout, known.now) if weights.get(plan.challenger) else None
    if unattended is not None:
        problems[known.model], weights = unattended, {live: FULL}
    return Wanted(known.model, live, weights, told.mirror, plan.challenger, previous, problems)


def _unattended(rollout: State, now: Instant) -> str | None:
    """Why nobody may be exposed to the challenger now: who should watch it is gone.

    A controller that lives pauses by itself when it sees nothing. One that was killed cannot.
    """
    allowed = rollout.plan.settings.blind_seconds
    if seconds_between(rollout.clock, now) <= allowed:
        return None
    return (
        f"no controller has looked at the rollout of {rollout.plan.challenger} for {allowed:g} s "
        f"or more: go on with `evergreen rollout {rollout.plan.model}`"
    )


def previous_live(entries: Sequence[Entry]) -> str | None:
    """The last version that was live before the one that is, and that nobody turned away from.

    It is kept warm for two ends: it answers when the champion cannot, and a rollback to it is
    instant. A version that was rolled back is good for neither, unless it was made live since.

    Args:
        entries: of the ledger, the newest first.
    """
    left: set[str] = set()
    for entry in reversed(entries):
        if entry.action == ROLLED_BACK and entry.previous is not None:
            left.add(entry.previous)
        left.discard(entry.version)
    live = entries[0].version
    older = (each.version for each in entries if each.version != live and each.version not in left)
    return next(older, None)


def _unservable(known: Known, versions: Sequence[str | None]) -> Iterator[tuple[str, str]]:
    for version in versions:
        if version is not None and version not in known.servable:
            yield version, "no bento of it is on this machine"
