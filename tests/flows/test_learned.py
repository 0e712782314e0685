"""Whether there is data that the last training has not seen, in a real project."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest

from flows.learned import nothing_new
from pipelines.files import write_json
from pipelines.monitoring.triggers import inbox
from pipelines.monitoring.triggers.events import Event
from pipelines.state import runs
from tests.throwaway import MONTHS, Project

pytestmark = pytest.mark.slow
NOW = datetime(2026, 3, 10, tzinfo=UTC)


@pytest.fixture
def alarmed(trained: Project) -> Project:
    event = Event("key", "alpha", "alpha@v1", "columns", "drifted", NOW)
    inbox.offer(trained.engine, event, NOW)
    return trained


def test_nobody_looks_while_nothing_waits(trained: Project) -> None:
    assert nothing_new(trained.root, trained.engine, "alpha") is None


def test_the_same_source_read_as_far_is_nothing_new(alarmed: Project) -> None:
    found = nothing_new(alarmed.root, alarmed.engine, "alpha")
    assert found is not None
    assert "saw all that is there" in found


def test_a_later_month_is_new(alarmed: Project) -> None:
    alarmed.set("alpha", "ingest", until=MONTHS[2])
    assert nothing_new(alarmed.root, alarmed.engine, "alpha") is None


def test_a_source_that_grew_is_new(alarmed: Project) -> None:
    file = alarmed.root / "sources" / "alpha.csv"
    rows = pd.read_csv(file)
    pd.concat([rows, rows.tail(3)]).to_csv(file, index=False)
    assert nothing_new(alarmed.root, alarmed.engine, "alpha") is None


def test_a_replay_says_how_far_there_is_data(alarmed: Project) -> None:
    standing = {"first": MONTHS[2], "last": MONTHS[2], "delay_hours": 24.0, "most_rows": 10}
    path = alarmed.home.replay("alpha")
    path.parent.mkdir(parents=True, exist_ok=True)
    year, month = map(int, MONTHS[2].split("-"))
    for at, is_new in ((f"{MONTHS[2]}-20", False), (f"{year}-{month + 1:02}-03", True)):
        write_json({**standing, "asked": 5, "told": 0, "refused": 0, "at": at}, path)
        assert (nothing_new(alarmed.root, alarmed.engine, "alpha") is None) is is_new


def test_what_the_gate_refused_was_seen_too(alarmed: Project) -> None:
    [promoted] = runs.latest(alarmed.engine, "alpha")
    run, _ = runs.begin(alarmed.engine, "alpha", "base", {}, "an alarm")
    runs.finish(alarmed.engine, run.id, runs.REFUSED, commit=promoted.commit)
    assert "was refused" in (nothing_new(alarmed.root, alarmed.engine, "alpha") or "")


def test_a_run_that_broke_down_has_seen_nothing(alarmed: Project) -> None:
    run, _ = runs.begin(alarmed.engine, "alpha", "base", {}, "an alarm")
    runs.finish(alarmed.engine, run.id, runs.FAILED)
    assert "was promoted" in (nothing_new(alarmed.root, alarmed.engine, "alpha") or "")
