"""Who was told what: one message an event, whoever notices it, and however often he is killed.

An event is claimed before it is sent and marked when it was taken. Whoever is killed in between
leaves a claim that runs out, and the event is sent again: twice is better than never.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from pipelines.alerting.events import Event
from pipelines.alerting.facts import Told
from pipelines.alerting.messages import said
from pipelines.settings import AlertSettings
from pipelines.state.store import alerts, writing

# Longer than a message may take, and the pause before the next attempt when one failed.
CLAIM_SECONDS = 120.0


@dataclass(frozen=True)
class Alert:
    """What is known of one event.

    Attributes:
        key, kind, severity, model, title: of the event.
        noticed, claimed, told: Unix seconds; None if it never was.
        times_told: messages that were taken.
        failures: attempts that somebody did not take.
        problem: of the last attempt; None if it succeeded.
    """

    key: str
    kind: str
    severity: str
    model: str
    title: str
    noticed: float
    claimed: float | None
    told: float | None
    times_told: int
    failures: int
    problem: str | None


def claim(
    engine: sa.Engine, events: Sequence[Event], settings: AlertSettings, now: float
) -> list[Event]:
    """Those of the events that are to be told now; nobody else gets them meanwhile."""
    due = set()
    with writing(engine) as connection:
        # SQLite is locked by now; elsewhere the rows that are there are.
        known = {
            row["key"]: row
            for row in connection.execute(
                alerts.select()
                .where(alerts.c.key.in_([event.key for event in events]))
                .order_by(alerts.c.key)
                .with_for_update()
            ).mappings()
        }
        # In one order for everybody, or two could wait for each other's rows.
        for event in sorted(events, key=lambda event: event.key):
            row = known.get(event.key)
            if row is None:
                if _insert(connection, event, now):
                    due.add(event.key)
            elif is_due(event, row, settings, now):
                mine = alerts.c.key == event.key
                connection.execute(alerts.update().where(mine).values(claimed=now))
                due.add(event.key)
    return [event for event in events if event.key in due]


def is_due(event: Event, row: Mapping[Any, Any], settings: AlertSettings, now: float) -> bool:
    """Whether an event that is known is to be told (again).

    Args:
        event: as it was noticed now.
        row: of the store, with `claimed` and `told`.
        settings: say after how long what lasts is told again.
        now: Unix seconds. A clock that was set back never makes anybody wait for it.
    """
    claimed, told = row["claimed"], row["told"]
    if claimed is not None and 0 <= now - claimed < CLAIM_SECONDS:
        return False
    if told is None:
        return True
    return event.lasts and not 0 <= now - told < settings.repeat_hours * 3600


def mark_told(engine: sa.Engine, events: Sequence[Event], problem: str | None, now: float) -> None:
    """Somebody took the message; `problem` says who did not, if any."""
    values = {
        "told": now,
        "claimed": None,
        "times_told": alerts.c.times_told + 1,
        "failures": alerts.c.failures + (problem is not None),
        "problem": problem,
    }
    _update(engine, events, values)


def mark_failed(engine: sa.Engine, events: Sequence[Event], problem: str) -> None:
    """Nobody took it. The claim stays, so that the next attempt waits until it runs out."""
    _update(engine, events, {"failures": alerts.c.failures + 1, "problem": problem})


def listed(engine: sa.Engine, most: int = 50) -> list[Alert]:
    """The newest events first."""
    query = alerts.select().order_by(alerts.c.noticed.desc(), alerts.c.key).limit(most)
    with engine.connect() as connection:
        return [Alert(**row) for row in connection.execute(query).mappings()]


def totals(engine: sa.Engine) -> Told:
    """All attempts so far."""
    sums = (sa.func.sum(alerts.c.times_told), sa.func.sum(alerts.c.failures))
    with engine.connect() as connection:
        delivered, failed = connection.execute(sa.select(*sums)).one()
    return Told(int(delivered or 0), int(failed or 0))


def _insert(connection: sa.Connection, event: Event, now: float) -> bool:
    """Write a claim; False if somebody else did at the same moment."""
    values = {
        "key": event.key,
        "kind": event.kind,
        "severity": event.severity,
        "model": event.model,
        "title": said(event),
        "noticed": now,
        "claimed": now,
        "times_told": 0,
        "failures": 0,
    }
    try:
        with connection.begin_nested():
            connection.execute(alerts.insert().values(**values))
    except sa.exc.IntegrityError:
        return False
    return True


def _update(engine: sa.Engine, events: Sequence[Event], values: Mapping[str, Any]) -> None:
    mine = alerts.c.key.in_([event.key for event in events])
    with engine.begin() as connection:
        connection.execute(alerts.update().where(mine).values(**values))
