"""Time as it is written into the store."""

from __future__ import annotations

from datetime import UTC, datetime

FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def now() -> str:
    """The current time, UTC, to the second: 2026-03-01T09:30:00Z."""
    return datetime.now(UTC).strftime(FORMAT)


def seconds_of(at: str) -> float:
    """Unix seconds of what `now` gave."""
    return datetime.strptime(at, FORMAT).replace(tzinfo=UTC).timestamp()
