"""Events, and a store in which a version is live."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from pipelines.monitoring.triggers.events import Event, State, Trigger
from pipelines.monitoring.triggers.ruling import Situation
from pipelines.state import ledger
from pipelines.state.ledger import Promotion
from pipelines.state.store import runs
from pipelines.verdicts import Outcome, Verdict

MODEL = "alpha"
LIVE = "alpha@v3"
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def event(name: str = "one", **changes: Any) -> Event:
    """An alarm about the live version; its key follows from its name."""
    key = hashlib.sha256(name.encode()).hexdigest()
    return replace(Event(key, MODEL, LIVE, "columns", f"{name} drifted", NOW), **changes)


def trigger(**changes: Any) -> Trigger:
    """One that waits."""
    waiting = Trigger(7, event(), NOW, 1, State.WAITING, "", NOW, 0, 0, None, None)
    return replace(waiting, **changes)


def calm(**changes: Any) -> Situation:
    """Nothing stands in the way."""
    return replace(Situation(NOW, LIVE, None, None, (), 0.0, 0, None), **changes)


def go_live(engine: sa.Engine, version: str = LIVE) -> None:
    """Write a version into the ledger."""
    made = Promotion(MODEL, version, "c0ffee", "gate", "passed", {}, run=f"run-{version}")
    ledger.promote(engine, made)


def ran(
    engine: sa.Engine,
    status: str,
    ended: datetime,
    hours: float = 1,
    outcome: Outcome = Outcome.FAILED,
) -> None:
    """A retrain that ended so, with what the gate said of it."""
    with engine.begin() as connection:
        connection.execute(
            runs.insert().values(
                id=f"{ended:%Y%m%d%H%M%S}-{status}",
                model=MODEL,
                status=status,
                base="c0ffee",
                overrides={},
                reason="",
                started=(ended - hours * HOUR).strftime("%Y-%m-%dT%H:%M:%SZ"),
                finished=ended.strftime("%Y-%m-%dT%H:%M:%SZ"),
                verdict=Verdict("gate", outcome, "").to_json(),
            )
        )
