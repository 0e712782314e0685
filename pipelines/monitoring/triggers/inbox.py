"""The inbox in the state store: tell it an event as often as you like, and one retrain starts.

Every decision is made while the model's row in `inboxes` is held, by the write lock of SQLite or a
row lock of PostgreSQL: of any number of processes one decides at a time, and sees what was decided
before. A retrain that is asked to begin has an attempt number; it takes up its attempt, or finds
that somebody else did, so that a message that is delivered twice trains once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from pipelines.errors import BusyError, MonitorError
from pipelines.monitoring.triggers import situation
from pipelines.monitoring.triggers.events import Event, State, Trigger
from pipelines.monitoring.triggers.ruling import Ruling, Situation, rule, rule_started
from pipelines.settings import TriggerSettings
from pipelines.state.store import inboxes, triggers


@dataclass(frozen=True)
class Start:
    """A retrain to begin: pass both numbers to whoever begins it, for `take`."""

    trigger: Trigger
    attempt: int


def offer(engine: sa.Engine, event: Event, now: datetime) -> Trigger:
    """Put an event into the inbox; one that is there already is only counted.

    Nothing starts by this: `settle` decides.
    """
    at = now.timestamp()
    told = triggers.update().where(triggers.c.key == event.key).values(times=triggers.c.times + 1)
    with engine.begin() as connection:
        _hold(connection, event.model)
        if not connection.execute(told).rowcount:
            connection.execute(
                triggers.insert().values(
                    key=event.key,
                    model=event.model,
                    version=event.version,
                    cause=event.cause,
                    reason=event.reason,
                    evidence=dict(event.evidence),
                    noticed=event.noticed.timestamp(),
                    arrived=at,
                    times=1,
                    state=State.WAITING.value,
                    why="not decided yet",
                    decided=at,
                    attempt=0,
                    taken=0,
                )
            )
        row = connection.execute(triggers.select().where(triggers.c.key == event.key)).mappings()
        return _read(row.one())


def settle(
    engine: sa.Engine,
    model: str,
    settings: TriggerSettings,
    now: datetime,
    awaited: str | None = None,
) -> Start | None:
    """Decide about everything that waits; at most one retrain is to begin, and is returned.

    To be called after `offer`, and now and then: what waits for time to pass is decided anew. A
    retrain that was asked to begin and is nowhere to be seen is handed out again.

    Args:
        engine: of the state store.
        model: whose inbox.
        settings: of the model.
        now: the time.
        awaited: see `Situation.awaited`.
    """
    with _deciding(engine, model) as connection:
        found = replace(situation.look(engine, connection, model, now), awaited=awaited)
        again = rule_started(found, settings)
        if found.started is not None and again is not None:
            start = _write(connection, _one(connection, found.started.id), again, now)
            if start is not None:
                return start
            found = replace(found, started=None)
        return _first(connection, model, found, settings)


def take(engine: sa.Engine, trigger: int, attempt: int) -> Trigger:
    """Take up an attempt, before a retrain begins.

    Raises:
        BusyError: somebody took it up already, or it was handed out anew since.
        MonitorError: there is no such trigger.
    """
    mine = (
        (triggers.c.id == trigger)
        & (triggers.c.state == State.STARTED.value)
        & (triggers.c.attempt == attempt)
        & (triggers.c.taken < attempt)
    )
    with engine.begin() as connection:
        taken = connection.execute(triggers.update().where(mine).values(taken=attempt)).rowcount
        row = connection.execute(triggers.select().where(triggers.c.id == trigger)).mappings()
        known = row.one_or_none()
    if known is None:
        raise MonitorError(
            "there is no such trigger",
            where=f"trigger {trigger}",
            next_step="`evergreen triggers MODEL` lists those there are",
        )
    if not taken:
        raise BusyError(
            f"attempt {attempt} is not to be begun any more: {known['why']}",
            where=f"trigger {trigger} of {known['model']}",
            next_step="nothing; whoever took it up goes on",
        )
    return _read(known)


def began(engine: sa.Engine, trigger: int, attempt: int, run: str) -> None:
    """Write which run an attempt led to, before it is judged.

    Killed between the end of the run and `finish`, the run would else be unknown here, and the
    trigger be trained for once more.

    Args:
        engine: of the state store.
        trigger, attempt: what was taken up.
        run: its id. Its lease is held, so that nobody hands the trigger out from here on.

    Raises:
        BusyError: it took so long to begin that the trigger was handed out anew, or ended.
    """
    mine = triggers.update().where(_of(trigger, attempt)).values(run=run)
    with engine.begin() as connection:
        is_mine = bool(connection.execute(mine).rowcount)
    if not is_mine:
        raise BusyError(
            f"attempt {attempt} came too late to begin: the trigger was handed out anew, or ended",
            where=f"trigger {trigger}",
            next_step="nothing; `evergreen triggers MODEL` says what became of it",
        )


def finish(engine: sa.Engine, taken: Trigger, run: str, why: str, now: datetime) -> None:
    """Write what came of a retrain that was judged; a trigger ends once."""
    _end(engine, taken, State.DONE, why, now, run)


def give_back(engine: sa.Engine, taken: Trigger, why: str, now: datetime) -> None:
    """Put a trigger back whose retrain broke down: its reason is as good as before.

    One that was handed out anew since is left to whoever took it up.
    """
    _end(engine, taken, State.WAITING, f"the retrain broke down: {why}", now, None)


def close_breaker(engine: sa.Engine, model: str, who: str, now: datetime) -> None:
    """Count refused challengers anew from now on."""
    closed = {"breaker_closed": now.timestamp(), "breaker_closed_by": who}
    with _deciding(engine, model) as connection:
        connection.execute(inboxes.update().where(inboxes.c.model == model).values(**closed))


def listed(engine: sa.Engine, model: str, most: int = 20) -> list[Trigger]:
    """The triggers of a model, the newest first."""
    query = triggers.select().where(triggers.c.model == model).order_by(triggers.c.id.desc())
    with engine.connect() as connection:
        return [_read(row) for row in connection.execute(query.limit(most)).mappings()]


def is_waited_for(engine: sa.Engine, model: str) -> bool:
    """Whether anything waits for a decision."""
    with engine.connect() as connection:
        return bool(_open(connection, model))


def _end(
    engine: sa.Engine, taken: Trigger, state: State, why: str, now: datetime, run: str | None
) -> None:
    values = {"state": state.value, "why": why, "run": run, "decided": now.timestamp()}
    with engine.begin() as connection:
        mine = _of(taken.id, taken.attempt)
        connection.execute(triggers.update().where(mine).values(**values))


def _of(trigger: int, attempt: int) -> sa.ColumnElement[bool]:
    is_mine = (triggers.c.id == trigger) & (triggers.c.attempt == attempt)
    return is_mine & (triggers.c.state == State.STARTED.value)


@contextmanager
def _deciding(engine: sa.Engine, model: str) -> Iterator[sa.Connection]:
    """A transaction that nobody else decides in at the same time."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            # Take the write lock before looking, or two could both see nothing started.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        _hold(connection, model)
        yield connection
        connection.commit()


def _hold(connection: sa.Connection, model: str) -> None:
    mine = inboxes.c.model == model
    held = inboxes.update().where(mine).values(model=model)
    if connection.execute(held).rowcount:
        return
    try:
        with connection.begin_nested():
            connection.execute(inboxes.insert().values(model=model, breaker_closed=0.0))
    except sa.exc.IntegrityError:
        # Somebody made the row meanwhile; holding it waits for them.
        connection.execute(held)


def _open(connection: sa.Connection, model: str) -> list[Trigger]:
    mine = (triggers.c.model == model) & (triggers.c.state == State.WAITING.value)
    query = triggers.select().where(mine)
    rows = connection.execute(query.order_by(triggers.c.id)).mappings().all()
    return [_read(row) for row in rows]


def _first(
    connection: sa.Connection, model: str, found: Situation, settings: TriggerSettings
) -> Start | None:
    """Start the first that may; the others that wait are answered by its retrain."""
    start: Start | None = None
    waiting = _open(connection, model)
    for trigger in waiting:
        ruling = rule(trigger, found, settings) if start is None else _answered(start)
        start = _write(connection, trigger, ruling, found.now) or start
    return start


def _answered(start: Start) -> Ruling:
    return Ruling(State.ANSWERED, f"the retrain of trigger {start.trigger.id} answers this one")


def _write(
    connection: sa.Connection, trigger: Trigger, ruling: Ruling, now: datetime
) -> Start | None:
    if ruling.state is State.STARTED:
        return _start(connection, trigger, ruling.why, now)
    if (ruling.state, ruling.why) != (trigger.state, trigger.why):
        values = {"state": ruling.state.value, "why": ruling.why, "decided": now.timestamp()}
        mine = triggers.c.id == trigger.id
        connection.execute(triggers.update().where(mine).values(**values))
    return None


def _start(connection: sa.Connection, trigger: Trigger, why: str, now: datetime) -> Start:
    attempt, at = trigger.attempt + 1, now.timestamp()
    values = {"attempt": attempt, "started": at, "decided": at, "why": why}
    changed = triggers.update().where(triggers.c.id == trigger.id)
    connection.execute(changed.values(state=State.STARTED.value, **values))
    return Start(_one(connection, trigger.id), attempt)


def _one(connection: sa.Connection, number: int) -> Trigger:
    query = triggers.select().where(triggers.c.id == number)
    return _read(connection.execute(query).mappings().one())


def _read(row: Mapping[Any, Any]) -> Trigger:
    event = Event(
        **{name: row[name] for name in ("key", "model", "version", "cause", "reason", "evidence")},
        noticed=_time(row["noticed"]),
    )
    return Trigger(
        event=event,
        arrived=_time(row["arrived"]),
        state=State(row["state"]),
        decided=_time(row["decided"]),
        started=None if row["started"] is None else _time(row["started"]),
        **{name: row[name] for name in ("id", "times", "why", "attempt", "taken", "run")},
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
