"""Time as it is written into the store."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> str:
    """The current time, UTC, to the second: 2026-03-01T09:30:00Z."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
