"""From facts to events: what happened, and what lasts longer than it should. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.alerting.events import RANK, Event
from pipelines.alerting.facts import EndedRollout, Facts, OpenRollout, Snapshot
from pipelines.monitoring.action import Action
from pipelines.monitoring.records import Record
from pipelines.monitoring.triggers.events import State
from pipelines.rollout.state import Phase
from pipelines.settings import AlertKind, AlertSettings
from pipelines.state import clock
from pipelines.state.ledger import ROLLED_BACK, Entry
from pipelines.state.runs import FAILED, REFUSED, Run
from pipelines.verdicts import Outcome

# A window is looked at when it is over; one may be too small to be judged without anybody at fault.
_LATE_WINDOWS = 2
_OF_ACTION: dict[Action, AlertKind] = {
    Action.RETRAIN: "alarm",
    Action.QUARANTINE: "quarantine",
    Action.MEND: "skew",
}


def events(snapshot: Snapshot, settings: AlertSettings) -> list[Event]:
    """What is worth telling of all models, the most severe first, then the newest first.

    What happened longer ago than `news_hours` is left out; what lasts is not, however old.
    """
    oldest = snapshot.at - settings.news_hours * 3600
    found = [
        event
        for facts in snapshot.models
        for event in _of(facts, settings, snapshot.at)
        if (event.lasts or event.at >= oldest) and _is_wanted(event, settings)
    ]
    return sorted(found, key=lambda event: (-RANK[event.severity], -event.at, event.key))


def _is_wanted(event: Event, settings: AlertSettings) -> bool:
    is_named = settings.kinds == "all" or event.kind in settings.kinds
    return is_named and RANK[event.severity] >= RANK[settings.least]


def _of(facts: Facts, settings: AlertSettings, now: float) -> Iterator[Event]:
    yield from (_of_entry(facts.model, entry) for entry in facts.entries)
    yield from _of_runs(facts)
    yield from (_of_ended(facts.model, each) for each in facts.ended if _went_back(each))
    if facts.unreadable:
        # Of no known age: as long as it lasts, it is as if it had just begun.
        yield Event("unreadable", facts.model, "rollout", now, facts.unreadable, lasts=True)
    if facts.rollout is not None:
        yield from _of_open(facts.model, facts.rollout, settings, now)
    yield from _of_windows(facts)
    yield from _of_silence(facts, now)
    yield from _of_triggers(facts, settings, now)


def _of_entry(model: str, entry: Entry) -> Event:
    at, why = clock.seconds_of(entry.at), f"{entry.why} ({entry.who})"
    if entry.action == ROLLED_BACK:
        gone = entry.previous or "the version before"
        return Event("rolled_back", model, f"{gone} at {entry.at}", at, why, instead=entry.version)
    return Event("promoted", model, f"{entry.version} at {entry.at}", at, why)


def _of_runs(facts: Facts) -> Iterator[Event]:
    kinds: dict[str, AlertKind] = {REFUSED: "refused", FAILED: "broken_run"}
    for run in facts.runs:
        kind = kinds.get(run.status)
        if kind is not None and run.finished is not None:
            at = clock.seconds_of(run.finished)
            yield Event(kind, facts.model, run.id, at, _why(run))
    if facts.orphan is not None:
        at = clock.seconds_of(facts.orphan.started)
        reason = "the run is not finished, and no process holds its lease"
        yield Event("dead_run", facts.model, facts.orphan.id, at, reason, lasts=True)


def _why(run: Run) -> str:
    said = (run.verdict or {}).get("reason")
    return str(said) if said else f"no verdict was written; it was begun because of: {run.reason}"


def _went_back(ended: EndedRollout) -> bool:
    return ended.phase != Phase.PROMOTED.value


def _of_ended(model: str, ended: EndedRollout) -> Event:
    reason = f"{ended.phase}: {ended.reason}"
    return Event("rollout_ended", model, ended.id, ended.at, reason)


def _of_open(
    model: str, rollout: OpenRollout, settings: AlertSettings, now: float
) -> Iterator[Event]:
    if rollout.unseen_seconds >= settings.unwatched_minutes * 60:
        reason = (
            f"nobody has looked at it for {rollout.unseen_seconds / 60:.0f} minutes; "
            f"{rollout.challenger} has {rollout.weight_percent} % of the requests"
        )
        at = now - rollout.unseen_seconds
        yield Event("unwatched", model, rollout.id, at, reason, lasts=True)
    if rollout.is_paused:
        yield Event("paused", model, rollout.id, rollout.looked, rollout.reason, lasts=True)
    waits = now - rollout.entered
    if rollout.phase is Phase.AWAITING_APPROVAL and waits >= settings.approval_minutes * 60:
        # Another step waits for another approval.
        subject = f"{rollout.id} at {rollout.weight_percent} %"
        yield Event("approval", model, subject, rollout.entered, rollout.reason, lasts=True)


def _of_windows(facts: Facts) -> Iterator[Event]:
    for record in facts.windows:
        kind = _OF_ACTION.get(record.action)
        if kind is not None and record.verdict.outcome is Outcome.FAILED:
            at = record.at.timestamp()
            yield Event(kind, facts.model, str(record.window), at, record.verdict.reason)


def _of_silence(facts: Facts, now: float) -> Iterator[Event]:
    """Nothing could be judged for too long, be it that nobody looked or that nothing was there."""
    if facts.live is None or facts.window_hours is None:
        return
    since = clock.seconds_of(facts.live.at)
    settled = facts.settled
    judged = max(since, settled.window.until.timestamp()) if settled else since
    late = now - judged - _LATE_WINDOWS * facts.window_hours * 3600
    if late >= 0:
        reason = f"no window could be judged for {(now - judged) / 3600:.0f} h; {_last(facts)}"
        yield Event("silent_monitor", facts.model, facts.live.version, judged, reason, lasts=True)


def _last(facts: Facts) -> str:
    newest: Record | None = facts.windows[0] if facts.windows else None
    if newest is None:
        return "none was ever looked at"
    return f"the last one that was looked at, {newest.window}: {newest.verdict.reason}"


def _of_triggers(facts: Facts, settings: AlertSettings, now: float) -> Iterator[Event]:
    breaker = facts.breaker
    if breaker is not None and breaker.is_open:
        reason = f"{breaker.failures} challengers failed in a row, and {breaker.limit} open it"
        # Closed and open again is another breaker.
        subject = f"breaker since {breaker.closed:.0f}"
        yield Event("breaker", facts.model, subject, now, reason, lasts=True)
    for trigger in facts.triggers:
        waited = now - trigger.arrived.timestamp()
        if trigger.state is State.WAITING and waited >= settings.trigger_hours * 3600:
            at, subject = trigger.arrived.timestamp(), f"trigger {trigger.id}"
            reason = f"{trigger.event.reason}; it waits: {trigger.why}"
            yield Event("waiting_trigger", facts.model, subject, at, reason, lasts=True)
