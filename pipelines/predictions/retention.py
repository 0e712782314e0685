"""Old rows go, whole segments at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipelines.predictions import names


def expire(folder: Path, days: float, now: datetime | None = None) -> int:
    """Remove closed segments whose last row is older than so many days, and torn files likewise.

    Returns:
        How many files went.
    """
    limit = (now or datetime.now(UTC)) - timedelta(days=days)
    old = [path for path in names.parquets(folder) if _last(path) < limit]
    old += [path for path in folder.glob(f"*{names.TORN}") if _written(path) < limit]
    for path in old:
        path.unlink(missing_ok=True)  # another worker may be at it, too
    return len(old)


def _last(path: Path) -> datetime:
    window = names.window(path)
    assert window is not None, path
    return window[1]


def _written(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
