"""The thread beside the writer finishes what it is given, now or later."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from pipelines.predictions import closing, compaction, names
from pipelines.predictions.compaction import Compactor
from pipelines.predictions.feedback import COLUMNS
from pipelines.predictions.stream import StreamFile
from tests.predictions.test_closing import batch, dead, ids, wanted
from tests.predictions.test_retention import closed
from tests.waiting import until


def finished(folder: Path) -> StreamFile:
    stream = StreamFile.create(folder, COLUMNS)
    stream.append(batch(0))
    return stream


def test_it_begins_with_what_was_left_behind(tmp_path: Path) -> None:
    dead(tmp_path)
    old = closed(tmp_path, 40, 31)
    broken = dead(tmp_path)
    broken.write_bytes(b"?")
    compactor = Compactor(tmp_path, retention_days=1e5)
    compactor.stop(20)
    assert compactor.torn == 1
    assert old.exists()
    old.unlink()
    assert ids(tmp_path) == wanted(6)
    Compactor(tmp_path, retention_days=1e-9).stop(20)
    assert len(names.parquets(tmp_path)) == 1, "its rows are of the future"


def test_it_closes_what_it_is_given(tmp_path: Path) -> None:
    compactor = Compactor(tmp_path, None)
    compactor.add(finished(tmp_path))
    until(lambda: compactor.waiting == 0)
    assert len(names.parquets(tmp_path)) == 1
    compactor.add(finished(tmp_path))
    compactor.stop(20)
    assert len(names.parquets(tmp_path)) == 2
    assert names.streams(tmp_path) == []


def test_what_is_given_in_the_middle_of_a_round_is_closed_in_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recover, is_in_round, may_go = closing.recover, threading.Event(), threading.Event()

    def wait_and_recover(folder: Path) -> closing.Recovered:
        is_in_round.set()
        assert may_go.wait(20)
        return recover(folder)

    monkeypatch.setattr(closing, "recover", wait_and_recover)
    compactor = Compactor(tmp_path, None)
    assert is_in_round.wait(20)
    compactor.add(finished(tmp_path))
    may_go.set()
    until(lambda: len(names.parquets(tmp_path)) == 1)
    compactor.stop(20)


def test_what_becomes_old_goes_without_any_traffic(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "SHORTEST_SECONDS", 0.05)
    first = closed(tmp_path, 40, 31)
    compactor = Compactor(tmp_path, retention_days=1e-9)
    until(lambda: not first.exists())
    later = closed(tmp_path, 40, 31)
    until(lambda: not later.exists())
    compactor.stop(20)


@pytest.mark.parametrize(("days", "seconds"), [(1e-9, 1), (3 / 24, 1080), (90, 3600), (None, 3600)])
def test_it_looks_often_enough_for_what_it_keeps(
    tmp_path: Path, days: float | None, seconds: float
) -> None:
    compactor = Compactor(tmp_path, days)
    assert compactor.pause_seconds == pytest.approx(seconds)
    compactor.stop(20)


def test_what_fails_is_said_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(logging.getLogger("pipelines"), "propagate", True)
    monkeypatch.setattr(compaction, "RETRY_SECONDS", 0.01)
    close, is_full = closing.close, True

    def close_if_there_is_room(stream: Path) -> bool:
        if is_full:
            raise OSError(28, "No space left on device")
        return close(stream)

    monkeypatch.setattr(closing, "close", close_if_there_is_room)
    compactor = Compactor(tmp_path, None)
    compactor.add(finished(tmp_path))
    until(lambda: compactor.problem is not None)
    assert compactor.waiting == 1
    assert "No space left" in (compactor.problem or "")
    assert ids(tmp_path) == wanted(2)
    is_full = False
    until(lambda: compactor.waiting == 0)
    until(lambda: compactor.problem is None)
    compactor.stop(20)
    assert ids(tmp_path) == wanted(2)
    assert names.streams(tmp_path) == []
    problem, end = caplog.messages
    assert f"{tmp_path}: OSError: [Errno 28] No space left on device\n" in problem
    assert "it is tried again every minute" in problem
    assert end.endswith("No space left on device")
