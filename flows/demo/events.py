"""What happened, in one order: read from the state store, which is the only truth about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from pipelines.monitoring import records
from pipelines.monitoring.records import Record
from pipelines.monitoring.triggers import inbox
from pipelines.monitoring.triggers.events import State, Trigger
from pipelines.releasing.history import ROLLOUT, timeline
from pipelines.state import runs
from pipelines.verdicts import Outcome

GOOD, WARN, BAD, CALM = "good", "warn", "bad", "calm"
_MOST = 200
_TONES = {
    Outcome.PASSED: GOOD,
    Outcome.FAILED: BAD,
    Outcome.INCONCLUSIVE: WARN,
    Outcome.ERROR: BAD,
}
_OF_PHASE = {"promoted": GOOD, "rolled back": BAD, "aborted": WARN}


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Attributes:
        at: unix seconds.
        who: what did it: monitor, inbox, retrain, rollout or ledger.
        text: in words.
        tone: how a page colours it.
    """

    at: float
    who: str
    text: str
    tone: str = CALM


def events(engine: sa.Engine, model: str) -> list[Event]:
    """All of a model, the oldest first."""
    found = [_of_window(each) for each in records.latest(engine, model, _MOST)]
    for trigger in inbox.listed(engine, model, _MOST):
        found += _of_trigger(trigger)
    found += _of_runs(engine, model)
    found += _of_releases(engine, model)
    return sorted(found, key=lambda event: event.at)


def _of_window(record: Record) -> Event:
    verdict = record.verdict
    text = f"{record.rows:,} answers of {record.window.version}: {verdict.reason}"
    return Event(record.at.timestamp(), "monitor", text, _TONES[verdict.outcome])


def _of_trigger(trigger: Trigger) -> Iterator[Event]:
    named = f"trigger {trigger.id}"
    because = f"{named}: {trigger.event.cause}"
    yield Event(trigger.arrived.timestamp(), "inbox", because, WARN)
    if trigger.started is not None:
        said = f"{named}: a retrain is to begin"
        yield Event(trigger.started.timestamp(), "inbox", said, WARN)
    if trigger.state not in (State.STARTED, State.DONE):
        yield Event(trigger.decided.timestamp(), "inbox", f"{named} {trigger.state}: {trigger.why}")


def _of_runs(engine: sa.Engine, model: str) -> Iterator[Event]:
    for run in runs.latest(engine, model, _MOST):
        yield Event(_seconds(run.started), "retrain", f"begins, because of {run.reason}")
        if run.finished is not None:
            came = f"{run.version} is registered" if run.version else _reason(run.verdict)
            tone = GOOD if run.version else BAD
            yield Event(_seconds(run.finished), "retrain", f"{run.status}: {came}", tone)


def _of_releases(engine: sa.Engine, model: str) -> Iterator[Event]:
    for entry in timeline(engine, model):
        if entry["action"] != ROLLOUT:
            said = f"{entry['version']} {entry['action']}: {entry['why']}"
            yield Event(_seconds(entry["at"]), "ledger", said, GOOD)
            continue
        for change in entry["changes"]:
            phase, percent = change["phase"], change["weight_percent"]
            text = f"{entry['version']} {phase}, {percent} % of the requests: {change['reason']}"
            yield Event(_seconds(change["at"]), "rollout", text, _OF_PHASE.get(phase, CALM))


def _reason(verdict: object) -> str:
    return str(verdict.get("reason", "")) if isinstance(verdict, dict) else ""


def _seconds(written: str) -> float:
    return datetime.fromisoformat(written).timestamp()
