"""One tick: take over, apply what is written, look, decide, write, apply.

It may be killed between any two of these. What was written is applied by the next tick before
anything else; what was not written is decided again, from the same evidence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pipelines.errors import RolloutError, StateError
from pipelines.observing.sources import Sources
from pipelines.releasing import looking
from pipelines.releasing.project import Project
from pipelines.releasing.router import Router
from pipelines.releasing.writing import write
from pipelines.rollout import clock, machine, store
from pipelines.rollout.events import Unseen
from pipelines.rollout.instant import Instant, seconds_between
from pipelines.rollout.state import State
from pipelines.rollout.store import Stored
from pipelines.state import leases
from pipelines.state.leases import Lease
from pipelines.verdicts import Verdict

LEASE_SECONDS = 30.0


@dataclass(frozen=True)
class Ticked:
    """What a tick came to.

    Attributes:
        state: as it is written now.
        verdict: on the evidence so far; None if none was looked at.
        unseen: why nothing was seen, or None.
    """

    state: State
    verdict: Verdict | None = None
    unseen: str | None = None


def tick(
    project: Project,
    model: str,
    router: Router,
    sources: Sources,
    read_clock: Callable[[], Instant] = clock.read,
) -> Ticked:
    """Bring the newest rollout of a model one look further. One that has ended is applied again.

    Args:
        project: where.
        model: its name in params.yaml.
        router: applies what is written.
        sources: the logs of the model.
        read_clock: tells the moment.

    Raises:
        RolloutError: there never was a rollout.
        BusyError: another controller ticks, or took the rollout over while this one looked;
            nothing of what this one decided was written or applied.
        StateError: the state is unreadable; the champion has all requests then.
        EvergreenError: the routes could not be applied.
    """
    name = store.lease_name(model)
    with leases.hold(project.engine, name, f"a rollout of {model}", LEASE_SECONDS) as lease:
        try:
            stored = _claimed(project, model, lease)
        except StateError:
            # The stack gives the champion everything when it cannot read how far a rollout is.
            router.reroute()
            raise
        applied = router.reconcile()
        if stored.state.phase.is_final:
            return Ticked(stored.state)
        events = looking.events(project, stored.state, applied, sources, read_clock())
        state, verdict = stored.state, None
        now = read_clock()
        for event in events:
            following = machine.advance(state, event, now)
            state, verdict = following.state, following.verdict or verdict
        write(project, stored, state, verdict)
        # Whoever was away for long comes back to a challenger that the router has taken off.
        was_away = seconds_between(stored.state.clock, now) > state.plan.settings.blind_seconds
        if was_away or state.generation != stored.state.generation:
            router.reroute()
        if state.phase.is_final:
            router.reconcile()
        unseen = next((event.why for event in events if isinstance(event, Unseen)), None)
        return Ticked(state, verdict, unseen)


def _claimed(project: Project, model: str, lease: Lease) -> Stored:
    """The open rollout, taken over; else the newest one, which needs no taking over."""
    if store.current(project.engine, model) is not None:
        return store.claim(project.engine, model, lease)
    newest = store.latest(project.engine, model)
    if newest is None:
        raise RolloutError(
            "there is none",
            where=f"rollout of {model}",
            next_step=f"begin one with `evergreen rollout {model}`",
        )
    return newest
