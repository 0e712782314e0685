"""What the time of a replay says about the data that a retrain would see."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from flows.replaying import awaited_data, until_of_replay
from pipelines.paths import home
from pipelines.replaying import standing
from pipelines.replaying.standing import Standing
from pipelines.state import runs, store
from tests import small


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    small.project(tmp_path, ingest={"until": "2024-01"})
    return store.connect(home(tmp_path).database)


def _at(root: Path, moment: str) -> None:
    where = home(root).replay(small.MODEL)
    standing.write(Standing("2024-02", "2024-04", 24.0, 50, at=moment), where)


def _ran(engine: sa.Engine, until: str, status: str) -> None:
    run, _ = runs.begin(engine, small.MODEL, "c0ffee", {"ingest.until": until}, "")
    runs.finish(engine, run.id, status)


def test_without_a_replay_nobody_knows(tmp_path: Path, engine: sa.Engine) -> None:
    _ran(engine, "2024-01", runs.PROMOTED)
    assert awaited_data(tmp_path, engine, small.MODEL) is None


@pytest.mark.parametrize("status", [runs.PROMOTED, runs.REGISTERED, runs.REFUSED])
def test_no_month_is_trained_on_twice(tmp_path: Path, engine: sa.Engine, status: str) -> None:
    _ran(engine, "2024-01", runs.PROMOTED)
    _at(tmp_path, "2024-03-01T12:00:00")
    assert "saw all until 2024-01" in (awaited_data(tmp_path, engine, small.MODEL) or "")
    _at(tmp_path, "2024-03-02T12:00:00")  # the labels of February are known
    assert awaited_data(tmp_path, engine, small.MODEL) is None
    assert until_of_replay(tmp_path, small.MODEL) == {"ingest.until": "2024-02"}
    _ran(engine, "2024-02", status)
    assert "saw all until 2024-02" in (awaited_data(tmp_path, engine, small.MODEL) or "")


def test_a_retrain_that_broke_down_has_seen_nothing(tmp_path: Path, engine: sa.Engine) -> None:
    _ran(engine, "2024-01", runs.PROMOTED)
    _ran(engine, "2024-02", runs.FAILED)
    _at(tmp_path, "2024-03-02T12:00:00")
    assert awaited_data(tmp_path, engine, small.MODEL) is None
