"""Reading gives each row once, whatever the writers are doing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.errors import LogError
from pipelines.predictions import closing, names, read
from pipelines.predictions.feedback import COLUMNS
from pipelines.predictions.log import PredictionLog
from pipelines.predictions.policy import LogPolicy
from pipelines.predictions.stream import StreamFile
from tests.predictions.factories import BINARY, NOON, answered
from tests.predictions.test_closing import batch, dead, ids, wanted

START = datetime.fromtimestamp(NOON / 10**9, UTC)


def second(number: int) -> datetime:
    return START + timedelta(seconds=number)


def write(folder: Path, *parts: pa.RecordBatch, is_closed: bool) -> Path:
    written = StreamFile.create(folder, parts[0].schema)
    for part in parts:
        written.append(part)
    written.close()
    if is_closed:
        closing.close(written.path)
    return written.path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Seconds 0 to 3 closed, 4 to 7 open, one row each."""
    write(tmp_path, batch(0), batch(2), is_closed=True)
    write(tmp_path, batch(4), batch(6), is_closed=False)
    return tmp_path


def test_closed_and_open_segments_are_read(folder: Path) -> None:
    assert [path.suffix for path in read.segments(folder)] == [".parquet", ".arrows"]
    assert ids(folder) == wanted(8)


@pytest.mark.parametrize(
    ("since", "until", "numbers"),
    [
        (None, None, range(8)),
        (2, None, range(2, 8)),
        (None, 2, range(2)),
        (1, 6, range(1, 6)),
        (3, 4, [3]),
        (3, 3, []),
        (99, None, []),
    ],
)
def test_a_window_holds_its_beginning_and_not_its_end(
    folder: Path, since: int | None, until: int | None, numbers: range
) -> None:
    limits = [None if number is None else second(number) for number in (since, until)]
    found = read.read(folder, *limits)
    assert [*found.schema.names] == COLUMNS.names or not numbers
    names_found = found.column("request_id").to_pylist() if numbers else []
    assert names_found == [f"request-{number}" for number in numbers]
    assert found.num_rows == len(numbers)


def test_segments_outside_of_the_window_are_not_opened(folder: Path) -> None:
    [path] = names.parquets(folder)
    path.write_bytes(b"damaged")
    assert read.read(folder, since=second(4)).num_rows == 4
    with pytest.raises(LogError, match="not readable"):
        read.read(folder, since=second(3))


def test_a_time_without_a_zone_is_refused(folder: Path) -> None:
    with pytest.raises(LogError, match="no time zone"):
        read.read(folder, since=second(1).replace(tzinfo=None))


def test_only_the_columns_asked_for(folder: Path) -> None:
    assert read.read(folder, columns=["label", "row"]).schema.names == ["label", "row"]
    found = next(read.batches(folder, columns=["row", "nonsense"]))
    assert found.schema.names == ["row"]


def test_columns_that_a_version_did_not_have_are_null(folder: Path) -> None:
    write(folder, batch(8).drop_columns(["label"]), is_closed=True)
    found = read.read(folder).to_pydict()
    by_id = dict(zip(found["request_id"], found["label"], strict=True))
    assert by_id["request-8"] is None
    assert by_id["request-7"] == "1"


def test_a_column_of_two_types_is_named(folder: Path) -> None:
    other = batch(8).set_column(3, "label", pa.array([1.5, 2.5]))
    write(folder, other, is_closed=False)
    with pytest.raises(LogError, match="label"):
        read.read(folder)
    assert sum(part.num_rows for part in read.batches(folder)) == 10


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="no such folder"):
        read.segments(tmp_path / "nothing")


def test_an_empty_log_is_an_empty_table(tmp_path: Path) -> None:
    assert read.read(tmp_path).num_rows == 0


def test_a_segment_closed_after_it_was_listed_is_still_read(tmp_path: Path) -> None:
    stream = dead(tmp_path)
    reading = read._segment(stream, None)
    closing.recover(tmp_path)
    assert sum(part.num_rows for part in reading) == 6
    names.parquets(tmp_path)[0].unlink()
    with pytest.raises(LogError, match="gone"):
        list(read._segment(stream, None))


def test_a_stream_that_was_swept_before_it_began_is_not_missed(tmp_path: Path) -> None:
    names.new_stream(tmp_path).touch()
    assert read.segments(tmp_path) == []


def test_a_segment_closed_in_the_middle_of_listing_is_listed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead(tmp_path)

    def closing_after(listing: Callable[[Path], list[Path]]) -> Callable[[Path], list[Path]]:
        def list_then_close(folder: Path) -> list[Path]:
            found = listing(folder)
            monkeypatch.undo()
            closing.recover(folder)
            return found

        return list_then_close

    for listing in ("streams", "parquets"):
        monkeypatch.setattr(names, listing, closing_after(getattr(names, listing)))
    assert ids(tmp_path) == wanted(6)


def test_a_closed_segment_that_goes_meanwhile_is_not_passed_over(tmp_path: Path) -> None:
    closing.close(dead(tmp_path))
    [path] = names.parquets(tmp_path)
    path.unlink()
    with pytest.raises(LogError, match="removed while it was read"):
        list(read._segment(path, None))


def test_a_reader_never_loses_a_row_while_segments_are_closed(tmp_path: Path) -> None:
    """Whatever was acknowledged before the reading began is in it, and once."""
    log = PredictionLog.open(tmp_path, BINARY, LogPolicy(mode="audit", segment_rows=7), None)
    acknowledged = 0
    is_over = threading.Event()

    async def write_all() -> None:
        nonlocal acknowledged
        for number in range(400):
            await log.write(answered(number))
            acknowledged = number + 1

    def run() -> None:
        asyncio.run(write_all())
        is_over.set()

    writer = threading.Thread(target=run)
    writer.start()
    rounds = 0
    while not is_over.is_set():
        known = acknowledged
        found = read.read(tmp_path, columns=["request_id"])
        seen = found.column("request_id").to_pylist() if found.num_rows else []
        assert len(seen) == len(set(seen))
        assert set(seen) >= {f"request-{number}" for number in range(known)}
        rounds += 1
    writer.join()
    log.close(20)
    assert rounds > 2
    assert read.read(tmp_path).num_rows == 400
