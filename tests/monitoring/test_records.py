from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipelines.monitoring import records
from pipelines.monitoring.action import Action
from pipelines.monitoring.evidence import Past
from pipelines.monitoring.quality import Watch
from pipelines.monitoring.records import Record
from pipelines.monitoring.spans import Window
from pipelines.state import store
from pipelines.statistics.sequential.change import Detector
from pipelines.verdicts import Outcome, Verdict

NOW = datetime(2026, 3, 10, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    return store.connect(tmp_path / "state.db")


def record(day: int = 0, **changes: object) -> Record:
    until = NOW + day * DAY
    made = Record(
        Window("alpha", "alpha@v1", until - DAY, until),
        f"key {day}",
        until,
        10,
        Verdict("monitor", Outcome.PASSED, "fine"),
        Action.NOTHING,
        Past(until, {"feature x": 0.5}),
        Watch(Detector.start(0.2), NOW),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_what_is_saved_is_read(engine: sa.Engine) -> None:
    records.save(engine, record())
    records.save(engine, record(1, past=None, watch=None))
    assert records.latest(engine, "alpha", 5) == [record(1, past=None, watch=None), record()]
    assert records.latest(engine, "alpha", 5, "alpha@v2") == []
    assert record().is_settled
    assert record().to_json()["action"] == "nothing"


def test_a_second_look_replaces_the_first(engine: sa.Engine) -> None:
    unknown = Verdict("monitor", Outcome.INCONCLUSIVE, "waits")
    records.save(engine, record(verdict=unknown))
    assert not records.latest(engine, "alpha", 1)[0].is_settled
    records.save(engine, record())
    assert records.latest(engine, "alpha", 5) == [record()]


def test_whoever_trains_can_ask_which_days_are_broken(engine: sa.Engine) -> None:
    records.save(engine, record(0, action=Action.QUARANTINE))
    records.save(engine, record(1))
    records.save(engine, record(2, action=Action.QUARANTINE))
    found = records.quarantined(engine, "alpha", NOW - DAY / 2, NOW + DAY)
    assert found == [record(0).window]
    assert records.quarantined(engine, "beta", NOW - DAY, NOW + 9 * DAY) == []
