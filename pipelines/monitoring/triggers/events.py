"""A reason to train again, and how far it got."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

PERSON = "a person"


class State(StrEnum):
    """How far a trigger got."""

    WAITING = "waiting"  # for what `why` says; it is asked again by itself
    STARTED = "started"  # a retrain was asked to begin
    DONE = "done"  # that retrain ended
    ANSWERED = "answered"  # by the retrain of another trigger
    DROPPED = "dropped"  # it is about a version that is not live any more

    @property
    def is_open(self) -> bool:
        return self in (State.WAITING, State.STARTED)


@dataclass(frozen=True)
class Event:
    """Something that asks for a retrain.

    Attributes:
        key: two events with the same key are the same event, told twice.
        model: which model.
        version: the live one it is about; None for a person, who means whatever is live.
        cause: what noticed it: `columns`, `schedule`, `a person`...
        reason: in words.
        noticed: the end of what it was seen in.
        evidence: JSON-ready.
    """

    key: str
    model: str
    version: str | None
    cause: str
    reason: str
    noticed: datetime
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Trigger:
    """An event in the inbox.

    Attributes:
        id: rises in the order of arrival.
        event: what asks.
        arrived: when it came first.
        times: how often it was told.
        state, why, decided: how far it got, why so in words, and when that was decided.
        attempt: how often a retrain was asked to begin because of it.
        taken: which of these attempts a retrain took up; 0 if none did.
        started: when the last attempt began.
        run: the retrain that it led to; known as soon as that has begun.
    """

    id: int
    event: Event
    arrived: datetime
    times: int
    state: State
    why: str
    decided: datetime
    attempt: int
    taken: int
    started: datetime | None
    run: str | None

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "model": self.event.model,
            "version": self.event.version,
            "cause": self.event.cause,
            "reason": self.event.reason,
            "noticed": self.event.noticed.isoformat(),
            "arrived": self.arrived.isoformat(),
            "times": self.times,
            "state": self.state.value,
            "why": self.why,
            "attempt": self.attempt,
            "run": self.run,
            "evidence": dict(self.event.evidence),
        }


def came_of(version: str | None, reason: str) -> str:
    """What came of a retrain that was judged, in words.

    Args:
        version: the one that it made; None of a challenger that was refused.
        reason: of the gate's verdict.
    """
    return (
        f"the gate refused the challenger: {reason}" if version is None else f"{version} came of it"
    )


def asked_by_a_person(model: str, reason: str, now: datetime) -> Event:
    """A person's wish; a second one within the same second is the same wish."""
    said = f"{model}\0{reason}\0{now.astimezone(UTC):%Y%m%d%H%M%S}"
    key = hashlib.sha256(said.encode()).hexdigest()
    return Event(key, model, None, PERSON, reason, now)
