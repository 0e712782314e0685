"""May a waiting trigger start a retrain now? Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pipelines.monitoring.triggers.events import PERSON, State, Trigger
from pipelines.settings import TriggerSettings

_MOST_ATTEMPTS = 5


@dataclass(frozen=True)
class StartedTrigger:
    """A trigger whose retrain was asked to begin, and has not ended as far as the inbox knows.

    Attributes:
        id, attempt, at: which, and when its last attempt began.
        came: what came of its run, in words, when that was judged and whoever trained was killed
            before he could say so; None while there is more to do.
    """

    id: int
    attempt: int
    at: datetime
    came: str | None = None


@dataclass(frozen=True)
class Situation:
    """What is known when triggers are decided about.

    Attributes:
        now: the time.
        live: the live version, None if there is none.
        busy: who holds the lease of the model's retrain, in words; None if it is free.
        started: the open trigger whose retrain was asked to begin, if any.
        starts: when retrains were started by triggers, the newest first.
        training_seconds: how long the last retrain took; 0 before the first.
        refusals: challengers in a row that the gate refused since the breaker was closed.
        quarantine: the newest window, when its data is broken, in words; None when it is sound.
        awaited: data that is not there yet, where nothing came since the last training, in words;
            None where something did, or nobody knows.
    """

    now: datetime
    live: str | None
    busy: str | None
    started: StartedTrigger | None
    starts: tuple[datetime, ...]
    training_seconds: float
    refusals: int
    quarantine: str | None
    awaited: str | None = None


@dataclass(frozen=True)
class Ruling:
    """What becomes of a trigger, and why."""

    state: State
    why: str


def rule(trigger: Trigger, situation: Situation, settings: TriggerSettings) -> Ruling:
    """Decide about one waiting trigger.

    A person need not wait for the cool-down, the budget or newer data, which are there for alarms:
    the same data would make the same model. Nobody trains twice at a time, on broken data, or while
    the breaker is open, which a person can close.
    """
    live = situation.live
    if trigger.event.version is not None and trigger.event.version != live:
        why = f"it is about {trigger.event.version}, and {live or 'nothing'} is live now"
        return Ruling(State.DROPPED, why)
    is_person = trigger.event.cause == PERSON
    is_late = situation.starts and trigger.event.noticed <= situation.starts[0]
    # One that comes back because its own retrain broke down is not late.
    if is_late and not is_person and not trigger.attempt:
        why = f"came late: a retrain that began at {_at(situation)} knew as much"
        return Ruling(State.ANSWERED, why)
    held = _held(situation) or _breaker(situation, settings)
    if held is None and not is_person:
        held = _data(situation) or _cooldown(situation, settings) or _budget(situation, settings)
    if held is not None:
        return Ruling(State.WAITING, held)
    return Ruling(State.STARTED, _why(trigger, situation))


def rule_started(situation: Situation, settings: TriggerSettings) -> Ruling | None:
    """What becomes of the trigger whose retrain was asked to begin; None to leave it alone.

    Handed out again when nobody took it up, or whoever did was killed; not for ever, and not when
    its run was judged already: it would be trained for twice.
    """
    started = situation.started
    if started is not None and started.came is not None:
        return Ruling(State.DONE, started.came)
    handover = timedelta(minutes=settings.handover_minutes)
    if started is None or situation.busy is not None or situation.now <= started.at + handover:
        return None
    if started.attempt >= _MOST_ATTEMPTS:
        why = f"given up: {started.attempt} retrains were asked to begin, and none came to an end"
        return Ruling(State.DONE, why)
    why = f"handed out again: no retrain was at work {settings.handover_minutes:g} minutes later"
    return Ruling(State.STARTED, why)


def cooldown(situation: Situation, settings: TriggerSettings) -> timedelta:
    """How long after a start the next alarm may start one."""
    # Twice the training: a model that takes days to train must not train all the time.
    least = timedelta(hours=settings.cooldown_hours)
    return max(least, timedelta(seconds=2 * situation.training_seconds))


def _held(situation: Situation) -> str | None:
    if situation.started is not None:
        return f"waits for trigger {situation.started.id}, whose retrain has begun"
    if situation.busy is not None:
        return f"waits for {situation.busy}"
    if situation.quarantine is not None:
        return f"waits for sound data: {situation.quarantine}"
    return None


def _breaker(situation: Situation, settings: TriggerSettings) -> str | None:
    if situation.refusals < settings.failed_gates_open_breaker:
        return None
    return (
        f"the breaker is open: the gate refused the last {situation.refusals} challengers; look at "
        "why, then close it with `evergreen triggers MODEL --close-breaker`"
    )


def _data(situation: Situation) -> str | None:
    return None if situation.awaited is None else f"waits for newer data: {situation.awaited}"


def _cooldown(situation: Situation, settings: TriggerSettings) -> str | None:
    if not situation.starts:
        return None
    over = situation.starts[0] + cooldown(situation, settings)
    if situation.now >= over:
        return None
    return f"cools down until {over:%Y-%m-%d %H:%M} UTC after the start at {_at(situation)}"


def _budget(situation: Situation, settings: TriggerSettings) -> str | None:
    most, days = settings.most_in_days
    recent = [at for at in situation.starts if at > situation.now - timedelta(days=days)]
    if len(recent) < most:
        return None
    free = recent[most - 1] + timedelta(days=days)
    until = f"{free:%Y-%m-%d %H:%M} UTC"
    return f"{len(recent)} of {most} retrains in {days} days are used up until {until}"


def _why(trigger: Trigger, situation: Situation) -> str:
    before = f", the last start was at {_at(situation)}" if situation.starts else ""
    return f"started because of {trigger.event.cause}: nothing stood in the way{before}"


def _at(situation: Situation) -> str:
    return f"{situation.starts[0]:%Y-%m-%d %H:%M} UTC"
