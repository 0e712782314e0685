from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pipelines.monitoring.spans import Window, due
from pipelines.settings import MonitorSettings

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MIDNIGHT = NOON.replace(hour=0)
LONG_AGO = NOON - 100 * DAY


def test_windows_lie_on_a_grid_whoever_asks_and_when() -> None:
    early = due(LONG_AGO, None, NOON, 24, 2)
    late = due(LONG_AGO, None, NOON + timedelta(hours=11), 24, 2)
    assert early == late == [(MIDNIGHT - 2 * DAY, MIDNIGHT - DAY), (MIDNIGHT - DAY, MIDNIGHT)]


def test_a_window_is_due_when_it_is_over_and_only_once() -> None:
    assert due(LONG_AGO, MIDNIGHT, NOON, 24, 3) == []
    assert due(LONG_AGO, MIDNIGHT - DAY, NOON, 24, 3) == [(MIDNIGHT - DAY, MIDNIGHT)]
    assert due(LONG_AGO, MIDNIGHT, MIDNIGHT + DAY, 24, 3) == [(MIDNIGHT, MIDNIGHT + DAY)]


def test_what_ended_before_the_version_went_live_is_not_looked_at() -> None:
    assert due(MIDNIGHT, None, NOON, 24, 3) == []
    assert due(MIDNIGHT - timedelta(hours=1), None, NOON, 24, 3) == [(MIDNIGHT - DAY, MIDNIGHT)]


def test_after_a_long_silence_only_what_has_a_say_is_looked_at() -> None:
    assert len(due(LONG_AGO, LONG_AGO, NOON, 1, 3)) == 3


def test_a_look_is_known_by_window_and_settings() -> None:
    window = Window("alpha", "alpha@v1", MIDNIGHT, NOON)
    settings = MonitorSettings()
    assert window.key(settings) == Window("alpha", "alpha@v1", MIDNIGHT, NOON).key(settings)
    others = {
        Window("beta", "alpha@v1", MIDNIGHT, NOON).key(settings),
        Window("alpha", "alpha@v2", MIDNIGHT, NOON).key(settings),
        Window("alpha", "alpha@v1", MIDNIGHT - DAY, NOON).key(settings),
        window.key(MonitorSettings(minimum_ks=0.2)),
    }
    assert len(others | {window.key(settings)}) == 5
    assert str(window) == "2026-03-10 00:00:00 to 2026-03-10 12:00:00 UTC"
