"""Closing and recovering: no row is lost, none is doubled, wherever the process is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.predictions import closing, names, read
from pipelines.predictions.feedback import COLUMNS
from pipelines.predictions.stream import StreamFile
from tests.predictions.factories import NOON, ROOT

STEP = 1_000_000


def batch(first: int, rows: int = 2) -> pa.RecordBatch:
    places = range(first, first + rows)
    return pa.record_batch(
        {
            "request_id": [f"request-{place}" for place in places],
            "row": [0] * rows,
            "time": [NOON // 1000 + place * STEP for place in places],
            "label": ["1"] * rows,
        },
        COLUMNS,
    )


def dead(folder: Path, batches: int = 3) -> Path:
    """The stream file of a writer that is gone."""
    written = StreamFile.create(folder, COLUMNS)
    for number in range(batches):
        written.append(batch(2 * number))
    written.close()
    return written.path


def ids(folder: Path) -> list[str]:
    return sorted(read.read(folder).column("request_id").to_pylist())


def wanted(rows: int) -> list[str]:
    return sorted(f"request-{number}" for number in range(rows))


def test_a_closed_segment_has_the_same_rows_and_tells_its_window(tmp_path: Path) -> None:
    stream = dead(tmp_path)
    assert not closing.close(stream)
    [path] = tmp_path.iterdir()
    window = names.window(path)
    assert window is not None
    assert [int(moment.timestamp()) - NOON // 10**9 for moment in window] == [0, 5]
    assert pq.read_table(path).column("request_id").to_pylist() == wanted(6)
    assert pq.read_metadata(path).row_group(0).column(0).compression == "ZSTD"


@pytest.fixture
def _quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.mark.usefixtures("_quick_disk")
def test_torn_at_any_byte_of_the_last_batch(tmp_path: Path) -> None:
    written = StreamFile.create(tmp_path / ".." / tmp_path.name, COLUMNS)
    for number in range(2):
        written.append(batch(2 * number))
    start = written.size
    written.append(batch(4))
    written.close()
    content = written.path.read_bytes()
    written.path.unlink()
    for length in range(start, len(content) + 1):
        folder = tmp_path / str(length)
        folder.mkdir()
        (folder / written.path.name).write_bytes(content[:length])
        is_whole = length in (start, len(content))
        before = ids(folder)
        assert closing.recover(folder) == (1, not is_whole)
        assert ids(folder) == before == wanted(6 if length == len(content) else 4)
        rest = [path.read_bytes() for path in folder.glob("*.torn")]
        assert rest == ([] if is_whole else [content[start:length]])
        assert closing.recover(folder) == (0, 0)


def test_a_file_of_which_nothing_can_be_read_is_kept(tmp_path: Path) -> None:
    stream = dead(tmp_path)
    stream.write_bytes(b"not Arrow at all")
    assert closing.recover(tmp_path) == (1, 1)
    [torn] = tmp_path.iterdir()
    assert torn.suffix == ".torn"
    assert torn.read_bytes() == b"not Arrow at all"


def test_damage_in_the_middle_keeps_what_follows_it(tmp_path: Path) -> None:
    written = StreamFile.create(tmp_path, COLUMNS)
    written.append(batch(0))
    start = written.size
    written.append(batch(2))
    written.append(batch(4))
    written.close()
    content = bytearray(written.path.read_bytes())
    content[start : start + 8] = b"damaged!"
    written.path.write_bytes(content)
    assert closing.recover(tmp_path) == (1, 1)
    [torn] = tmp_path.glob("*.torn")
    assert torn.read_bytes() == content[start:]
    assert ids(tmp_path) == wanted(2)


def test_a_segment_without_rows_leaves_nothing(tmp_path: Path) -> None:
    dead(tmp_path, batches=0)
    names.new_stream(tmp_path).touch()
    assert closing.recover(tmp_path) == (2, 0)
    assert list(tmp_path.iterdir()) == []


def test_the_segment_of_a_living_writer_is_left_alone(tmp_path: Path) -> None:
    living = StreamFile.create(tmp_path, COLUMNS)
    living.append(batch(0))
    assert closing.recover(tmp_path) == (0, 0)
    assert names.streams(tmp_path) == [living.path]
    assert ids(tmp_path) == wanted(2)


KILLED = """
import os, signal, sys
from pathlib import Path
import pyarrow.parquet
from pipelines.predictions import closing
steps = int(sys.argv[2])
def step(event, arguments):
    global steps
    if event in ("open", "os.rename", "os.remove", "os.listdir", "os.scandir"):
        steps -= 1
        if steps < 0:
            os.kill(os.getpid(), signal.SIGKILL)
folder = Path(sys.argv[1])
sys.addaudithook(step)
closing.recover(folder)
"""


def test_killed_at_any_step_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    """Before each opening, renaming and removing of a file; then recovered by the next one."""
    for steps in range(100):
        folder = tmp_path / str(steps)
        folder.mkdir()
        with dead(folder).open("ab") as torn:
            torn.write(b"torn tail")
        command = [sys.executable, "-c", KILLED, str(folder), str(steps)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode in (0, -9), done.stderr
        assert ids(folder) == wanted(6)
        closing.recover(folder)
        assert ids(folder) == wanted(6)
        assert sorted(path.suffix for path in folder.iterdir()) == [".parquet", ".torn"]
        if done.returncode == 0:
            break
    assert steps >= 6, "the kills did not reach the steps"


def test_killed_after_the_parquet_file_came_the_stream_file_is_only_removed(tmp_path: Path) -> None:
    stream = dead(tmp_path)
    content = stream.read_bytes()
    closing.close(stream)
    # Whatever became of it meanwhile: the Parquet file has its rows.
    stream.write_bytes(content[:-10])
    assert ids(tmp_path) == wanted(6)
    assert len(read.segments(tmp_path)) == 1
    assert closing.recover(tmp_path) == (1, 0)
    assert ids(tmp_path) == wanted(6)


def test_many_who_recover_at_once_close_each_file_once(tmp_path: Path) -> None:
    for _ in range(8):
        dead(tmp_path)
    found: list[closing.Recovered] = []
    threads = [
        threading.Thread(target=lambda: found.append(closing.recover(tmp_path))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(each.segments for each in found) == 8
    assert len(names.parquets(tmp_path)) == len(list(tmp_path.iterdir())) == 8
    assert ids(tmp_path) == sorted(wanted(6) * 8)


def test_a_full_disk_leaves_the_stream_file(tmp_path: Path) -> None:
    code = """
import resource, sys
from pathlib import Path
from pipelines.predictions import closing
resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
try:
    closing.recover(Path(sys.argv[1]))
except OSError as error:
    print(type(error).__name__)
"""
    stream = dead(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "OSError", done.stderr
    assert list(tmp_path.iterdir()) == [stream]
    assert ids(tmp_path) == wanted(6)


def test_a_file_that_cannot_be_read_does_not_hold_up_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = sorted(dead(tmp_path) for _ in range(3))
    close = closing.close

    def close_but_the_first(stream: Path) -> bool:
        if stream == streams[0]:
            raise OSError(5, "Input/output error")
        return close(stream)

    monkeypatch.setattr(closing, "close", close_but_the_first)
    with pytest.raises(OSError, match="Input/output"):
        closing.recover(tmp_path)
    assert names.streams(tmp_path) == streams[:1]
    assert len(names.parquets(tmp_path)) == 2


def test_many_small_batches_become_few_large_ones() -> None:
    grouped = list(closing.grouped(batch(number, rows=1) for number in range(2000)))
    assert len(grouped) == 1
    assert grouped[0].column("request_id").to_pylist() == [f"request-{n}" for n in range(2000)]
    large = list(closing.grouped(batch(0, rows=50_000) for _ in range(4)))
    assert [group.num_rows for group in large] == [100_000, 100_000]
