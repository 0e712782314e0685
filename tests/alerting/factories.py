"""Facts in a line, and a state store to read them from."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from pipelines.alerting.events import Event
from pipelines.alerting.facts import EndedRollout, Facts, OpenRollout, Snapshot
from pipelines.monitoring import records
from pipelines.monitoring.action import Action
from pipelines.monitoring.records import Record
from pipelines.monitoring.spans import Window
from pipelines.monitoring.triggers import events as trigger_events
from pipelines.monitoring.triggers.events import State, Trigger
from pipelines.rollout import machine
from pipelines.rollout.instant import Instant
from pipelines.rollout.state import Phase
from pipelines.rollout.state import State as RolloutState
from pipelines.settings import Settings, parse
from pipelines.state import ledger
from pipelines.state.ledger import PROMOTED, Entry, Promotion
from pipelines.state.runs import Run
from pipelines.verdicts import Outcome, Verdict, combine
from tests.rollout.builders import CHALLENGER, CHAMPION, REGISTERED, plan

MODEL = "alpha"
# 2026-03-10 12:00:00 UTC.
NOW = 1_773_144_000.0
NOON = datetime.fromtimestamp(NOW, UTC)
DIGITS: dict[str, Any] = {
    "ingest": {"dataset": "digits", "source": "package:scikit-learn"},
    "train": {"family": "svm"},
}


def settings(**alerts: Any) -> Settings:
    return parse({"models": {MODEL: DIGITS}, "alerts": alerts})


def at(seconds: float) -> str:
    """The moment so many seconds after noon, as the store writes it."""
    return f"{NOON + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"


def instant(seconds: float = 0) -> Instant:
    return Instant(NOW + seconds, 10_000.0 + seconds, "h1", "b1")


def entry(action: str = PROMOTED, seconds: float = -60, **changes: Any) -> Entry:
    values: dict[str, Any] = {
        "at": at(seconds),
        "model": MODEL,
        "action": action,
        "version": f"{MODEL}@v1",
        "previous": f"{MODEL}@v2",
        "commit": "a" * 40,
        "who": "ann",
        "why": "answers went wrong",
        "evidence": {},
        "run": None,
    }
    return Entry(**(values | changes))


def run(status: str, seconds: float = -60, **changes: Any) -> Run:
    found = Run("r-1", MODEL, status, "base", {}, "a test", at(seconds - 60), at(seconds))
    return replace(found, **changes)


def rollout(**changes: Any) -> OpenRollout:
    found = OpenRollout(
        id="v2-0001",
        champion=CHAMPION,
        challenger=CHALLENGER,
        phase=Phase.STEPPING,
        weight_percent=25,
        is_paused=False,
        reason="holds",
        entered=NOW - 60,
        looked=NOW - 10,
        unseen_seconds=10.0,
    )
    return replace(found, **changes)


def ended(phase: Phase, seconds: float = -60) -> EndedRollout:
    return EndedRollout("v2-0001", NOW + seconds, phase.value, "too many errors")


def window(
    action: Action = Action.NOTHING,
    outcome: Outcome = Outcome.PASSED,
    hours_ago: float = 1.0,
    parts: tuple[Verdict, ...] = (),
) -> Record:
    until = NOON - timedelta(hours=hours_ago)
    verdict = combine("monitor", parts or [Verdict("data", outcome, f"said {outcome}")])
    span = Window(MODEL, f"{MODEL}@v1", until - timedelta(hours=24), until)
    key = f"{action}-{hours_ago}"
    return Record(span, key, until, 5000, verdict, action, None, None)


def trigger(state: State = State.WAITING, hours_ago: float = 1.0, **changes: Any) -> Trigger:
    arrived = NOON - timedelta(hours=hours_ago)
    event = trigger_events.Event("k", MODEL, None, "columns", "wind_speed drifted", arrived)
    found = Trigger(1, event, arrived, 1, state, "cools down", arrived, 0, 0, None, None)
    return replace(found, **changes)


def snapshot(*models: Facts, at: float = NOW) -> Snapshot:
    return Snapshot(at, models)


def event(kind: Any = "rolled_back", **changes: Any) -> Event:
    found = Event(kind, MODEL, f"{MODEL}@v2", NOW - 60, "answers went wrong", instead="alpha@v1")
    return replace(found, **changes)


def promote(engine: sa.Engine, version: str, action: str = PROMOTED) -> None:
    """Have a version live, now by the clock."""
    count = len(ledger.history(engine, MODEL))
    values = (MODEL, version, "a" * 40, "ann", "a test", {}, f"run-{count}", action)
    ledger.promote(engine, Promotion(*values))


def begun(seconds: float = 0, **changes: Any) -> RolloutState:
    """A rollout in the state store's sense, whose last look was so many seconds after noon."""
    state = machine.begin(plan(), REGISTERED, 0.0, instant(seconds))
    return msgspec.structs.replace(state, **changes)


def save_window(engine: sa.Engine, record: Record) -> None:
    records.save(engine, record)
