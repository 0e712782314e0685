"""Which rows of a log are in a window, and what is noted of those that do not fit."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.monitoring import windows
from pipelines.monitoring.columns import Expected
from pipelines.monitoring.spans import Window
from pipelines.predictions import layout
from pipelines.schema import Schema
from pipelines.settings import LogSettings
from tests.model_folder import SCHEMA
from tests.monitoring.factories import MODEL, NAME, NOON, POLICY, World, flights
from tests.predictions.factories import IMAGE, MULTICLASS, REGRESSION

DAY = timedelta(days=1)
WINDOW = Window(MODEL, NAME, NOON - DAY, NOON)
EXPECTED = Expected.of(SCHEMA, LogSettings())


def test_only_what_users_got_of_this_version_in_this_time(world: World) -> None:
    world.answer(flights(200, 1), NOON - DAY)
    world.answer(flights(100, 2), NOON - 2 * DAY)
    world.answer(flights(100, 3), NOON - DAY, is_shadow=True)
    world.answer(flights(100, 4), NOON - DAY, name="flights@v2")
    world.answer(flights(100, 5), NOON)
    path = world.folder / "window.parquet"
    frozen = windows.freeze(world.logs.answers, WINDOW, EXPECTED, path)
    assert frozen.rows == 200
    assert pq.read_schema(path).names == EXPECTED.frozen.names
    assert (frozen.vanished, frozen.retyped, frozen.turned_back_seconds) == ({}, {}, 0.0)


def test_without_a_log_a_window_is_empty(world: World) -> None:
    path = world.folder / "window.parquet"
    assert windows.freeze(world.folder / "none", WINDOW, EXPECTED, path).rows == 0
    assert pq.read_table(path).num_rows == 0
    assert windows.answers_after(world.folder / "none", NOON) == 0


def test_columns_that_do_not_fit_are_null_and_noted(world: World) -> None:
    policy = replace(POLICY, features=("distance", "carrier"), identifiers=("distance",))
    world.answer(flights(100, 1), NOON - DAY, policy=policy)
    path = world.folder / "window.parquet"
    frozen = windows.freeze(world.logs.answers, WINDOW, EXPECTED, path)
    assert frozen.vanished == {
        "feature departure_hour": 100,
        "feature wind_speed": 100,
        "feature origin": 100,
    }
    assert frozen.retyped == {"feature distance": "string"}
    assert pq.read_table(path).column("feature_distance").null_count == 100


def test_a_window_of_so_many_rows_ends_after_its_last(world: World, tmp_path: Path) -> None:
    world.answer(flights(500, 1), NOON - DAY, hours=10)
    end, rows = windows.end_of_rows(world.logs.answers, WINDOW, 300, tmp_path)
    assert end is not None
    assert rows == 300
    upto = Window(MODEL, NAME, WINDOW.since, end)
    path = world.folder / "window.parquet"
    assert windows.freeze(world.logs.answers, upto, EXPECTED, path).rows == 300
    assert windows.end_of_rows(world.logs.answers, WINDOW, 501, tmp_path) == (None, 500)


def test_windows_by_count_follow_each_other(world: World) -> None:
    world = world.with_settings(monitor={"window_rows": 1000, "minimum_rows": 500})
    [untold] = world.check()
    assert untold.record.verdict.reason == "window: 0 answers, and a window has 1,000: waits"
    world.answer(flights(2400, 1), NOON - DAY / 2, hours=10)
    first, second = world.check()
    assert [first.record.rows, second.record.rows] == [1000, 1000]
    assert first.record.window.until == second.record.window.since
    assert second.record.verdict.has_passed
    assert [c.record.key for c in world.check()] == [second.record.key]


@pytest.mark.parametrize(
    ("schema", "names"),
    [
        (REGRESSION, ["feature_hour", "feature_origin", "output_value"]),
        (MULTICLASS, ["feature_width", "output_probabilities", "output_label"]),
        (IMAGE, ["image", "output_probabilities", "output_label"]),
    ],
    ids=["regression", "multiclass", "image"],
)
def test_what_is_expected_follows_from_the_task(schema: Schema, names: list[str]) -> None:
    expected = Expected.of(schema, LogSettings())
    assert [name for name in expected.frozen.names if name.startswith(("fe", "im", "ou"))] == names
    assert expected.has_all_features


def test_what_is_not_logged_is_not_expected() -> None:
    none = Expected.of(SCHEMA, LogSettings(features="none"))
    assert none.features == {}
    assert not none.has_all_features
    some = Expected.of(
        SCHEMA, LogSettings(features=("distance", "carrier"), identifiers=("carrier",))
    )
    assert (some.numbers, some.categories, some.hidden) == (("distance",), (), ("carrier",))


def test_the_columns_are_those_that_servers_write() -> None:
    assert layout.FEATURE + "distance" in EXPECTED.features
    assert layout.OUTPUT + "probability" in EXPECTED.outputs
