"""Segments end when they are full, old, or of other columns."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipelines.errors import LogError
from pipelines.predictions import appending
from pipelines.predictions.appending import Appender, Limits, require_folder
from pipelines.predictions.stream import StreamFile
from tests.predictions.test_closing import batch

NEVER = 3600.0


def test_a_segment_is_closed_when_it_has_its_rows(tmp_path: Path) -> None:
    closed: list[StreamFile] = []
    appender = Appender(tmp_path, Limits(4, NEVER), closed.append)
    for number in range(5):
        appender.append(batch(2 * number))
    assert [stream.rows for stream in closed] == [4, 4]
    appender.close()
    appender.close()
    assert [stream.rows for stream in closed] == [4, 4, 2]


def test_a_segment_is_closed_when_it_is_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appending, "_SEGMENT_BYTES", 1000)
    closed: list[StreamFile] = []
    appender = Appender(tmp_path, Limits(10**9, NEVER), closed.append)
    appender.append(batch(0, rows=100))
    assert [stream.rows for stream in closed] == [100]


def test_a_segment_is_closed_when_it_is_old(tmp_path: Path) -> None:
    closed: list[StreamFile] = []
    appender = Appender(tmp_path, Limits(100, 0.001), closed.append)
    assert appender.seconds_left is None
    appender.append(batch(0))
    while appender.seconds_left:
        pass
    appender.close_if_old()
    assert [stream.rows for stream in closed] == [2]
    assert appender.seconds_left is None


def test_other_columns_begin_another_segment(tmp_path: Path) -> None:
    closed: list[StreamFile] = []
    appender = Appender(tmp_path, Limits(100, NEVER), closed.append)
    appender.append(batch(0))
    appender.append(batch(2).drop_columns(["label"]))
    assert [stream.rows for stream in closed] == [2]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LogError, match=r"file/log: cannot be made"):
        require_folder(tmp_path / "file" / "log")


def test_a_folder_that_may_not_be_written_to_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whoever runs the tests may be root, who may write everywhere.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(LogError, match="may not be written to"):
        require_folder(tmp_path)
