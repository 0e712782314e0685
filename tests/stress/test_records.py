"""Records: what is packed is what is read, up to the last whole one."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.stress.records import RECORD, WORDS, Ending, count, pack, read


def test_packed_records_are_read_back(tmp_path: Path) -> None:
    path = tmp_path / "records.bin"
    path.write_bytes(
        pack(-0.5, -0.25, 1.0, 200, Ending.ANSWERED, True)
        + pack(2.0, 2.5, 3.0, 503, Ending.REFUSED, False)
    )
    found = read(path)

    assert found.dtype == RECORD
    assert found.tolist() == [(-0.5, -0.25, 1.0, 200, 0, True), (2.0, 2.5, 3.0, 503, 1, False)]


@pytest.mark.parametrize("kept", range(1, RECORD.itemsize))
def test_a_torn_record_does_not_count(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "records.bin"
    whole = pack(0.0, 0.0, 1.0, 200, Ending.ANSWERED, True)
    path.write_bytes(whole + whole[:kept])

    assert len(read(path)) == count(path) == 1
    assert count(tmp_path / "not yet") == 0


def test_every_ending_has_words() -> None:
    assert set(WORDS) == set(Ending)
