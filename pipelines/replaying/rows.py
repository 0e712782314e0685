"""Rows of a dataset as requests say them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from pipelines.errors import DataError
from pipelines.replaying.schedule import Request, Row, requests
from pipelines.schema import Schema


def by_day(
    model: str, month: pd.DataFrame, schema: Schema, most_rows: int
) -> Iterator[list[Request]]:
    """The requests of each day of a month, in the order of the days.

    Raises:
        DataError: the rows have no day, so nobody can say when they were asked.
    """
    if schema.time is None:
        raise DataError(
            "its rows have no time, so there is no order to replay them in",
            where=f"data of {model}",
            next_step="name a time column with ingest.time",
        )
    for day, rows in month.groupby(month[schema.time].dt.normalize(), sort=True):
        assert isinstance(day, pd.Timestamp)
        labels = [_plain(label) for label in rows[schema.target]]
        yield requests(model, day.to_pydatetime(), _rows(rows, schema), labels, most_rows)


def days_of(first: str, last: str, delay: timedelta) -> int:
    """How many days a replay of these months takes, labels included."""
    begin, end = datetime.fromisoformat(f"{first}-01"), pd.Period(last, freq="M").end_time
    return (end.to_pydatetime() + delay - begin).days + 1


def _rows(frame: pd.DataFrame, schema: Schema) -> list[Row]:
    numbers = {name: [_number(value) for value in frame[name]] for name in schema.numbers}
    words = {name: [_word(value) for value in frame[name]] for name in schema.categories}
    columns = {**numbers, **words}
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


def _word(value: Any) -> str | None:
    return None if pd.isna(value) else str(value)


def _plain(label: Any) -> int | float | str | None:
    """As JSON says it; None where the truth was never known."""
    if pd.isna(label):
        return None
    plain: int | float | str = label.item() if hasattr(label, "item") else label
    return plain
