"""What people say of an open rollout. Neither waits for a controller, which may hang."""

from __future__ import annotations

from pipelines.releasing.project import Project
from pipelines.releasing.router import Router
from pipelines.releasing.writing import write
from pipelines.rollout import clock, machine, store
from pipelines.rollout.events import Aborted, Approved
from pipelines.rollout.instant import Instant
from pipelines.rollout.state import State


def approve(
    project: Project,
    model: str,
    percent: int,
    router: Router,
    *,
    who: str,
    now: Instant | None = None,
) -> State:
    """Let the step to `percent` begin.

    The step to 100 % makes the challenger live, here and now.

    Raises:
        RolloutError: no rollout is open, or that step does not wait for an approval.
        BusyError: a tick wrote at the same moment.
        StateError: the state is unreadable.
        EvergreenError: it is approved, and the routes could not be applied.
    """
    state = _say(project, model, Approved(percent, who), now)
    router.reroute()
    return state


def abort(
    project: Project,
    model: str,
    router: Router,
    *,
    who: str,
    why: str,
    now: Instant | None = None,
) -> State:
    """Give the champion all requests, and end the rollout.

    Raises:
        RolloutError: no rollout is open.
        BusyError: a tick wrote at the same moment.
        StateError: the state is unreadable; a rollback does without it.
        EvergreenError: it is over, and the routes could not be applied.
    """
    state = end(project, model, who=who, why=why, now=now)
    router.reroute()
    return state


def end(project: Project, model: str, *, who: str, why: str, now: Instant | None = None) -> State:
    """Write that a rollout is over; the caller applies it, with whatever else it writes."""
    return _say(project, model, Aborted(who, why), now)


def _say(project: Project, model: str, event: Approved | Aborted, now: Instant | None) -> State:
    stored = store.claim(project.engine, model)
    state = machine.advance(stored.state, event, now or clock.read()).state
    return write(project, stored, state).state
