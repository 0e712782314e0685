"""Something that a person may want to know, before it is put into words."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.settings import AlertKind, Severity

RANK: dict[Severity, int] = {"info": 0, "warning": 1, "critical": 2}

# critical: users may be getting wrong answers, or nobody watches whether they do. warning: a person
# has to act, not tonight.
SEVERITY: dict[AlertKind, Severity] = {
    "alarm": "warning",
    "approval": "warning",
    "breaker": "warning",
    "broken_run": "warning",
    "dead_run": "warning",
    "paused": "critical",
    "promoted": "info",
    "quarantine": "warning",
    "refused": "warning",
    "rolled_back": "critical",
    "rollout_ended": "warning",
    "silent_monitor": "warning",
    "skew": "critical",
    "unreadable": "critical",
    "unwatched": "critical",
    "waiting_trigger": "warning",
}


@dataclass(frozen=True)
class Event:
    """Something that happened, or that lasts.

    Attributes:
        kind: what.
        model: of which model.
        subject: the version, rollout, run, window or trigger that it is about.
        at: when it happened or began, Unix seconds.
        reason: why, in words, as whoever decided put it.
        lasts: whether it is a state, which can be over, and not something that happened once.
        instead: what there is now, for those that took something away; "" elsewhere.
    """

    kind: AlertKind
    model: str
    subject: str
    at: float
    reason: str
    lasts: bool = False
    instead: str = ""

    @property
    def key(self) -> str:
        """The same event has the same key, whoever notices it and however often."""
        return f"{self.kind}/{self.model}/{self.subject}"

    @property
    def severity(self) -> Severity:
        return SEVERITY[self.kind]
