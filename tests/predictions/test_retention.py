"""Old segments go, and nothing else does."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipelines.predictions import names
from pipelines.predictions.retention import expire

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def closed(folder: Path, first_days: float, last_days: float) -> Path:
    """A closed segment whose rows are between so many days old."""
    moments = [NOW - timedelta(days=days) for days in (first_days, last_days)]
    first, last = (round(moment.timestamp() * 1_000_000) for moment in moments)
    path = names.closed(names.new_stream(folder), first, last)
    path.touch()
    return path


def test_only_closed_segments_whose_last_row_is_old_go(tmp_path: Path) -> None:
    old = closed(tmp_path, 40, 31)
    kept = [closed(tmp_path, 40, 29), closed(tmp_path, 1, 0)]
    stream = names.new_stream(tmp_path)
    notes = tmp_path / "notes.parquet"
    for path in (stream, notes):
        path.touch()
        os.utime(path, (0, 0))
    assert expire(tmp_path, 30, NOW) == 1
    assert not old.exists()
    assert sorted(tmp_path.iterdir()) == sorted([*kept, stream, notes])


def test_torn_files_go_too_because_they_hold_what_people_sent(tmp_path: Path) -> None:
    torn = names.new_stream(tmp_path).with_suffix(names.TORN)
    torn.touch()
    assert expire(tmp_path, 30) == 0
    os.utime(torn, (0, 0))
    assert expire(tmp_path, 30) == 1


def test_two_may_do_so_at_once(tmp_path: Path) -> None:
    closed(tmp_path, 40, 31)
    assert [expire(tmp_path, 30, NOW), expire(tmp_path, 30, NOW)] == [1, 0]
