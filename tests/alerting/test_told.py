"""One message an event: claims, marks, retries, repeats."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipelines.alerting import told
from pipelines.alerting.told import CLAIM_SECONDS
from pipelines.settings import AlertSettings
from pipelines.state import store
from tests.alerting.factories import NOW, event
from tests.tuning.postgres import running

SETTINGS = AlertSettings(repeat_hours=12)
HAPPENED = event("rolled_back")
LASTS = event("unwatched", subject="v2-0001", lasts=True)


def test_an_event_is_told_once(engine: sa.Engine) -> None:
    assert told.claim(engine, [HAPPENED], SETTINGS, NOW) == [HAPPENED]
    told.mark_told(engine, [HAPPENED], None, NOW)
    assert told.claim(engine, [HAPPENED], SETTINGS, NOW + 1e7) == []
    assert told.totals(engine).delivered == 1


def test_what_lasts_is_told_again_after_a_while(engine: sa.Engine) -> None:
    told.claim(engine, [LASTS], SETTINGS, NOW)
    told.mark_told(engine, [LASTS], None, NOW)
    assert told.claim(engine, [LASTS], SETTINGS, NOW + 12 * 3600 - 1) == []
    assert told.claim(engine, [LASTS], SETTINGS, NOW + 12 * 3600) == [LASTS]


def test_a_claim_holds_until_it_runs_out(engine: sa.Engine) -> None:
    """Whoever claimed it may have been killed, and then nobody was told."""
    assert told.claim(engine, [HAPPENED], SETTINGS, NOW) == [HAPPENED]
    assert told.claim(engine, [HAPPENED], SETTINGS, NOW + CLAIM_SECONDS - 1) == []
    assert told.claim(engine, [HAPPENED], SETTINGS, NOW + CLAIM_SECONDS) == [HAPPENED]


def test_what_nobody_took_is_tried_again_and_counted(engine: sa.Engine) -> None:
    for attempt in range(3):
        now = NOW + attempt * CLAIM_SECONDS
        assert told.claim(engine, [HAPPENED], SETTINGS, now) == [HAPPENED]
        told.mark_failed(engine, [HAPPENED], "address 1 (json): it answered 500")
    [row] = told.listed(engine)
    assert (row.failures, row.times_told, row.told) == (3, 0, None)
    assert row.problem == "address 1 (json): it answered 500"
    told.claim(engine, [HAPPENED], SETTINGS, NOW + 3 * CLAIM_SECONDS)
    told.mark_told(engine, [HAPPENED], None, NOW + 3 * CLAIM_SECONDS)
    [row] = told.listed(engine)
    assert (row.failures, row.times_told, row.problem) == (3, 1, None)


def test_a_message_that_only_some_took_is_told_and_its_failure_counted(engine: sa.Engine) -> None:
    told.claim(engine, [HAPPENED], SETTINGS, NOW)
    told.mark_told(engine, [HAPPENED], "address 2 (json): it answered 500", NOW)
    assert told.totals(engine) == told.Told(delivered=1, failed=1)
    assert told.claim(engine, [HAPPENED], SETTINGS, NOW + 1e6) == []


def test_a_clock_that_was_set_back_makes_nobody_wait(engine: sa.Engine) -> None:
    told.claim(engine, [LASTS, HAPPENED], SETTINGS, NOW)
    assert told.claim(engine, [LASTS, HAPPENED], SETTINGS, NOW - 9e6) == [LASTS, HAPPENED]
    told.mark_told(engine, [LASTS, HAPPENED], None, NOW)
    assert told.claim(engine, [LASTS, HAPPENED], SETTINGS, NOW - 9e6) == [LASTS]


def race(database: Path) -> None:
    """Eight notice the same five events, each with a connection of its own, as processes have."""
    store.connect(database).dispose()
    events = [event(subject=f"alpha@v{number}") for number in range(5)]
    claimed: list[str] = []
    barrier = threading.Barrier(8)

    def notice(number: int) -> None:
        engine = store.connect(database)
        # Not all in the same order.
        mine = events if number % 2 else events[::-1]
        barrier.wait(30)
        claimed.extend(each.key for each in told.claim(engine, mine, SETTINGS, NOW))
        engine.dispose()

    threads = [threading.Thread(target=notice, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(claimed) == sorted(each.key for each in events)


def test_of_many_who_notice_it_one_tells(tmp_path: Path) -> None:
    race(tmp_path / "state.db")


@pytest.mark.slow
def test_of_many_one_tells_in_postgresql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running() as server:
        server.empty()
        address = f"postgresql+psycopg://postgres@127.0.0.1:{server.port}/postgres"
        monkeypatch.setenv("EVERGREEN_DATABASE_URL", address)
        race(tmp_path / "unused.db")
        engine = store.connect(tmp_path / "unused.db")
        told.mark_failed(engine, [event(subject="alpha@v0")], "it answered 500")
        assert told.totals(engine) == told.Told(delivered=0, failed=1)
        engine.dispose()


def test_the_newest_are_listed_first(engine: sa.Engine) -> None:
    for seconds in (5, 9, 1):
        told.claim(engine, [event(subject=f"s{seconds}")], SETTINGS, NOW + seconds)
    assert [row.noticed - NOW for row in told.listed(engine, most=2)] == [9, 5]
    assert told.totals(engine) == told.Told()


@pytest.mark.parametrize("claimed", [None, NOW])
def test_is_due_is_pure(claimed: float | None) -> None:
    row = {"claimed": claimed, "told": None}
    assert told.is_due(HAPPENED, row, SETTINGS, NOW) is (claimed is None)
