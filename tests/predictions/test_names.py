"""A name tells the segment, its window, and its order."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pipelines.predictions import names

FIRST, LAST = datetime(2026, 11, 22, 3, 50, 6, 7, UTC), datetime(2027, 1, 1, tzinfo=UTC)


def micros(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)


def test_no_two_segments_have_one_name(tmp_path: Path) -> None:
    found = {names.new_stream(tmp_path) for _ in range(1000)}
    assert len({names.segment(path) for path in found}) == 1000


def test_a_closed_segment_tells_its_window(tmp_path: Path) -> None:
    stream = names.new_stream(tmp_path)
    closed = names.closed(stream, micros(FIRST), micros(LAST))
    assert names.window(closed) == (FIRST, LAST)
    assert names.segment(closed) == names.segment(stream)
    assert closed.name.startswith("20261122T035006000007-20270101T000000000000-")
    assert names.window(stream) is None


def test_files_of_others_are_not_of_the_log(tmp_path: Path) -> None:
    stream = names.new_stream(tmp_path)
    closed = names.closed(stream, micros(FIRST), micros(LAST))
    for path in (stream, closed, stream.with_suffix(names.TORN)):
        path.touch()
    for name in ("notes.parquet", "my.arrows", f".{closed.name}", f"{stream.name}.bak"):
        (tmp_path / name).touch()
    assert names.streams(tmp_path) == [stream]
    assert names.parquets(tmp_path) == [closed]
