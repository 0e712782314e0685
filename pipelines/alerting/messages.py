"""From events to what a person reads at night: what is wrong, why, and what to do next. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pipelines.alerting.events import RANK, Event
from pipelines.settings import AlertKind, Severity

# Push services cut longer ones; the most severe come first.
_MOST_EVENTS = 10
_LONGEST_REASON = 400


@dataclass(frozen=True)
class Message:
    """What is sent: `body` is plain text."""

    severity: Severity
    title: str
    body: str


_SAID: dict[AlertKind, str] = {
    "alarm": "{model} has changed: a retrain is asked for",
    "approval": "{subject} waits for a person",
    "breaker": "{model} trains no more by itself: the breaker is open",
    "broken_run": "retrain {subject} of {model} broke down",
    "dead_run": "retrain {subject} of {model} was killed and nobody took it up",
    "paused": "{subject} is paused: nothing is seen of what it does",
    "promoted": "{subject} is live",
    "quarantine": "{model} is asked with broken data: the window is in quarantine",
    "refused": "the gate refused the challenger of {subject}",
    "rolled_back": "{subject} was rolled back: {instead} is live",
    "rollout_ended": "rollout {subject} ended without a promotion",
    "silent_monitor": "{model} is not watched",
    "skew": "the server of {model} answers something else than its model",
    "unreadable": "the open rollout of {model} cannot be read",
    "unwatched": "rollout {subject} has no controller",
    "waiting_trigger": "{subject} of {model} cannot start",
}
_NEXT: dict[AlertKind, str] = {
    "alarm": "`evergreen triggers {model}` says whether a retrain began, and why not",
    "approval": "read `evergreen history {model}`, then `evergreen approve {model}` or "
    "`evergreen rollback {model}`",
    "breaker": "find out why with `evergreen report {model}`, then "
    "`evergreen triggers {model} --close-breaker`",
    "broken_run": "`evergreen status` names the fault; `evergreen retrain {model}` goes on",
    "dead_run": "`evergreen retrain {model}` takes it up; finished stages are kept",
    "paused": "see that the gateway and its access log are there (`evergreen status`); it goes on "
    "by itself, or goes back at its deadline",
    "promoted": "none",
    "quarantine": "mend what sends it; nothing is trained on that window",
    "refused": "`evergreen report {model}` compares both; the champion stays",
    "rolled_back": "`evergreen history {model}` has the evidence; release a mended version",
    "rollout_ended": "`evergreen history {model}` has the evidence; the champion has all requests",
    "silent_monitor": "run `evergreen monitor {model}`; see that the monitor is scheduled",
    "skew": "`evergreen rollback {model}`, then compare the server's image with the version",
    "unreadable": "`evergreen rollback {model}` routes everything to the champion",
    "unwatched": "start it again with `evergreen rollout {model}`, or end it with "
    "`evergreen rollback {model}`",
    "waiting_trigger": "`evergreen triggers {model}` says what it waits for",
}


def message(events: Sequence[Event]) -> Message:
    """One message for all that is to be told at a time: a fault rarely comes alone.

    Args:
        events: at least one, the most severe first.
    """
    first, *others = events
    severity = max((event.severity for event in events), key=RANK.__getitem__)
    more = f" (and {len(others)} more)" if others else ""
    parts = [_part(event) for event in events[:_MOST_EVENTS]]
    if len(events) > _MOST_EVENTS:
        parts.append(f"... and {len(events) - _MOST_EVENTS} more; `evergreen alerts list` has all")
    return Message(severity, f"[{severity}] {said(first)}{more}", "\n\n".join(parts))


def said(event: Event) -> str:
    """What happened, in a line."""
    names = {"model": event.model, "subject": event.subject, "instead": event.instead}
    return _SAID[event.kind].format(**names)


def next_step(event: Event) -> str:
    """What to do about it."""
    return _NEXT[event.kind].format(model=event.model)


def _part(event: Event) -> str:
    since = "since" if event.lasts else "at"
    reason = event.reason
    if len(reason) > _LONGEST_REASON:
        reason = f"{reason[:_LONGEST_REASON]}..."
    return (
        f"{event.severity.upper()}: {said(event)}\n"
        f"{since} {datetime.fromtimestamp(event.at, UTC):%Y-%m-%d %H:%M:%S} UTC\n"
        f"why: {reason}\n"
        f"next step: {next_step(event)}"
    )
