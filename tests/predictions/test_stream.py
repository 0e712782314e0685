"""A stream file holds whole batches, whatever happens to it or its writer."""

from __future__ import annotations

from pathlib import Path

import psutil
import pyarrow as pa
import pytest

from pipelines.predictions import names, stream
from pipelines.predictions.stream import StreamFile, WholeBatches, claimed
from tests.predictions.factories import python

SCHEMA = pa.schema([("a", pa.int64()), ("b", pa.string())])


def batch(number: int, rows: int = 1) -> pa.RecordBatch:
    return pa.record_batch({"a": [number] * rows, "b": [f"text {number}"] * rows}, SCHEMA)


def numbers(path: Path) -> list[int]:
    return [value for whole in WholeBatches(path) for value in whole.column("a").to_pylist()]


def test_what_was_appended_is_read_by_arrow_itself(tmp_path: Path) -> None:
    written = StreamFile.create(tmp_path, SCHEMA)
    for number in range(3):
        written.append(batch(number, rows=2))
    assert (written.rows, written.size) == (6, written.path.stat().st_size)
    with pa.OSFile(str(written.path)) as file:
        assert pa.ipc.open_stream(file).read_all().column("a").to_pylist() == [0, 0, 1, 1, 2, 2]


def test_cut_at_any_byte_the_whole_batches_are_left(tmp_path: Path) -> None:
    written = StreamFile.create(tmp_path, SCHEMA)
    ends = [written.size]
    for number in range(3):
        written.append(batch(number))
        ends.append(written.size)
    content = written.path.read_bytes()
    cut = tmp_path / "cut"
    for length in range(len(content) + 1):
        cut.write_bytes(content[:length])
        whole = WholeBatches(cut)
        count = len(list(whole))
        assert count == sum(end <= length for end in ends[1:])
        assert whole.end == max([end for end in ends if end <= length], default=0)


@pytest.mark.parametrize("value", [0x00, 0xFF])
def test_no_damaged_byte_ends_the_process_or_the_batches_before_it(
    tmp_path: Path, value: int
) -> None:
    written = StreamFile.create(tmp_path, SCHEMA)
    written.append(batch(0))
    start = written.size
    written.append(batch(1))
    written.append(batch(2))
    content = bytearray(written.path.read_bytes())
    damaged = tmp_path / "damaged"
    for place in range(start, len(content)):
        damaged.write_bytes(content[:place] + bytes([value]) + content[place + 1 :])
        found = list(WholeBatches(damaged))
        assert found[0] == batch(0)
        # Offsets beyond the buffer are not passed on: following them would end the process.
        for whole in found:
            whole.validate(full=True)


def test_what_the_disk_cannot_take_leaves_nothing(tmp_path: Path) -> None:
    """In a process of its own, because the limit is of all its files."""
    code = """
import resource, sys
from pathlib import Path
from tests.predictions.test_stream import SCHEMA, batch, numbers
from pipelines.predictions.stream import StreamFile
file = StreamFile.create(Path(sys.argv[1]), SCHEMA)
file.append(batch(1))
size = file.size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 300, size + 300))
try:
    file.append(batch(2, rows=100))
except OSError as error:
    print(error.errno, file.size == size == file.path.stat().st_size, numbers(file.path))
file.append(batch(3))
print(numbers(file.path))
"""
    assert python(code, tmp_path).splitlines() == ["27 True [1]", "[1, 3]"]


def test_a_file_whose_schema_does_not_fit_is_not_begun(tmp_path: Path) -> None:
    code = """
import resource, sys
from pathlib import Path
from tests.predictions.test_stream import SCHEMA
from pipelines.predictions.stream import StreamFile
resource.setrlimit(resource.RLIMIT_FSIZE, (50, 50))
try:
    StreamFile.create(Path(sys.argv[1]), SCHEMA)
except OSError as error:
    print(error.errno)
"""
    assert python(code, tmp_path).strip() == "27"
    assert list(tmp_path.iterdir()) == []


def test_a_living_writer_keeps_its_file(tmp_path: Path) -> None:
    written = StreamFile.create(tmp_path, SCHEMA)
    with claimed(written.path) as is_ours:
        assert not is_ours
    written.close()
    with claimed(written.path) as is_ours, claimed(written.path) as is_theirs:
        assert is_ours
        assert not is_theirs
    written.path.unlink()
    with claimed(written.path) as is_ours:
        assert not is_ours


def test_a_file_swept_while_it_is_begun_is_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between making the file and locking it, its writer looks dead."""
    swept: list[Path] = []
    lock = stream._is_locked

    def sweep_first(descriptor: int) -> bool:
        if not swept:
            swept.extend(names.streams(tmp_path))
            swept[0].unlink()
        return lock(descriptor)

    monkeypatch.setattr(stream, "_is_locked", sweep_first)
    written = StreamFile.create(tmp_path, SCHEMA)
    written.append(batch(1))
    assert names.streams(tmp_path) == [written.path] != swept


def test_what_the_disk_says_is_not_taken_for_damage(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="irectory"):
        list(WholeBatches(tmp_path))


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    before = psutil.Process().num_fds()
    for _ in range(5):
        written = StreamFile.create(tmp_path, SCHEMA)
        written.append(batch(1))
        numbers(written.path)
        written.close()
    assert psutil.Process().num_fds() == before
