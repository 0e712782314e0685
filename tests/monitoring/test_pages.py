"""What people are shown of an alarm, and the timeline of windows, by Evidently itself."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipelines.errors import MonitorError
from pipelines.monitoring import evidently_report, pages, plots, records
from pipelines.monitoring.evidently_report import Compared
from pipelines.settings import MonitorSettings
from tests.monitoring.factories import MODEL, NOON, World, flights, shifted

DAY = timedelta(days=1)
MIDNIGHT = NOON.replace(hour=0)
MONITOR = MonitorSettings()


def test_an_alarm_has_a_page_and_every_window_a_place_on_the_timeline(world: World) -> None:
    world.since = NOON - 3 * DAY
    world.settings = world.with_settings(monitor={"persistence": [2, 2]}).settings
    for days in (2, 1):
        world.answer(shifted("distance", 1.6)(flights(1000, days)), MIDNIGHT - days * DAY)
    folder, timeline = world.folder / "monitor", world.folder / "timeline"
    calm, alarmed = (pages.publish(world.engine, folder, timeline, each) for each in world.check())
    assert calm.report is None
    assert alarmed.report is not None
    page = Path(alarmed.report)
    text = page.read_text(encoding="utf-8")
    assert "a retrain was asked for" in text
    assert "feature distance (JS" in text
    assert text.count("<svg") >= 2
    assert "<script" not in text
    assert (page.with_name(pages.EVIDENTLY)).stat().st_size > 1e6
    assert records.latest(world.engine, MODEL, 1)[0].report == alarmed.report
    snapshots = list(timeline.rglob("snapshots/*.json"))
    assert len(snapshots) == 2
    assert max(path.stat().st_size for path in snapshots) < 50_000


def test_a_quarantine_has_a_page_without_comparison(world: World) -> None:
    world.answer(flights(1000, 1).assign(wind_speed=7.0), MIDNIGHT - DAY)
    [found] = world.check()
    shown = pages.publish(world.engine, world.folder / "monitor", world.folder / "timeline", found)
    assert shown.report is not None
    text = Path(shown.report).read_text(encoding="utf-8")
    assert "What is broken" in text
    assert "is 7 in every row" in text
    assert not Path(shown.report).with_name(pages.EVIDENTLY).exists()


def test_a_window_that_could_not_be_looked_at_leaves_nothing(world: World) -> None:
    [found] = world.check()
    assert (
        pages.publish(
            world.engine, world.folder / "monitor", world.folder / "timeline", found
        ).report
        is None
    )


def test_what_evidently_cannot_compare_is_left_out_or_said(tmp_path: Path) -> None:
    rows = pd.DataFrame({"a": np.arange(50.0), "b": np.nan})
    compared = Compared(rows, rows, ("a", "b"), ())
    evidently_report.write_page(compared, MONITOR, tmp_path / "page.html")
    assert (tmp_path / "page.html").exists()
    texts = pd.DataFrame({"a": ["x", "y"] * 25})
    with pytest.raises(MonitorError, match="cannot compare"):
        evidently_report.write_page(
            Compared(texts, rows, ("a",), ()), MONITOR, tmp_path / "other.html"
        )
    assert not (tmp_path / "other.html").exists()


def test_distributions_are_drawn_of_anything() -> None:
    some = pd.Series(np.arange(100.0))
    assert "<svg" in plots.distributions(some, some * 2, "feature x")
    assert "<svg" in plots.distributions(some * 0, some * np.nan, "feature x")
