"""What the model listens to: known where the model is known, and moved when its rows move."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipelines import frames
from pipelines.inference.session import ModelSession
from pipelines.monitoring import attribution, pages
from pipelines.monitoring.attribution import MOST_ROWS, Attribution, compared, drawn, effects
from tests.monitoring.factories import NOON, World, flights, shifted

DAY = timedelta(days=1)
MIDNIGHT = NOON.replace(hour=0)


def _rows(session: ModelSession, frame: pd.DataFrame) -> dict[str, np.ndarray]:
    return drawn(frames.tensors(frame, session.signature.schema), session.signature.schema)


def test_a_feature_that_is_used_is_heard_and_one_that_is_not_is_not(world: World) -> None:
    session = ModelSession.open(world.files.model)
    rows = _rows(session, flights(2000, 3))
    found = effects(session, rows, rows)
    assert set(found) == set(session.signature.schema.features)
    assert found["distance"] > 5 * found["origin"]
    assert effects(session, rows, rows) == found


def test_nothing_to_exchange_changes_nothing(world: World) -> None:
    session = ModelSession.open(world.files.model)
    one = _rows(session, flights(1, 3))
    assert set(effects(session, one, one).values()) == {0.0}


def test_rows_are_drawn_evenly_and_bounded(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    session = ModelSession.open(world.files.model)
    assert {len(values) for values in _rows(session, flights(5000, 3)).values()} == {MOST_ROWS}
    monkeypatch.setattr(attribution, "_MOST_VALUES", 5 * 5 * 30)
    assert {len(values) for values in _rows(session, flights(5000, 3)).values()} == {30}


def test_what_changed_most_comes_first() -> None:
    found = compared({"a": 0.1, "b": 0.2}, {"a": 0.4, "b": 0.1})
    assert found == (Attribution("a", 0.1, 0.4), Attribution("b", 0.2, 0.1))


def test_a_window_says_what_it_listens_to_and_its_page_shows_it(world: World) -> None:
    world.since = NOON - 3 * DAY
    for days in (2, 1):
        # Where all flights are long, distance is what tells them from those of the reference.
        rows = shifted("distance", 3.0)(flights(1000, days))
        world.answer(rows, MIDNIGHT - days * DAY)
    *_, found = world.check()
    assert found.seen is not None
    first, *_ = found.seen.look.attributions
    assert (first.name, first.change > 0) == ("distance", True)
    kept = found.record.verdict.evidence["attribution"]
    assert kept[0]["feature"] == "distance"
    shown = pages.publish(world.engine, world.folder / "monitor", world.folder / "timeline", found)
    assert shown.report is not None
    assert "What the model listens to" in Path(shown.report).read_text(encoding="utf-8")


def test_a_log_without_all_features_says_nothing_of_it(world: World) -> None:
    world = world.with_settings(serve={"log": {"features": ["distance"]}})
    rows = flights(1000, 1)
    world.answer(rows, MIDNIGHT - DAY)
    *_, found = world.check()
    assert found.seen is not None
    assert found.seen.look.attributions == ()
