"""What a row has, as it is shown beside a contribution."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.explanation.values import shown, value_of
from pipelines.schema import CATEGORIES, NUMBERS, Schema

SCHEMA = Schema(("a", "b", "c"), ("kind",), "y")
ROWS = {
    NUMBERS: np.array([[1.0, np.nan, 4.0], [np.nan, np.nan, 0.5]]),
    CATEGORIES: np.array([["x"], [""]], dtype=object),
}


@pytest.mark.parametrize(
    ("place", "columns", "expected"),
    [
        (0, ["a"], 1.0),
        (1, ["a"], None),
        (0, ["kind"], "x"),
        (1, ["kind"], None),
        (0, ["a", "b", "c"], 2.5),  # of those that are known
        (1, ["a", "b"], None),
    ],
)
def test_the_value_of_a_feature_or_a_patch(
    place: int, columns: list[str], expected: float | str | None
) -> None:
    assert value_of(SCHEMA, ROWS, place, columns) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "missing"),
        (float("nan"), "missing"),
        ("EWR", "EWR"),
        (1991.0, "1991"),
        (123456.0, "123456"),
        (46.04123, "46.04"),
        (-0.5, "-0.5"),
        (1e-9, "1e-09"),
    ],
)
def test_how_it_is_written(value: float | str | None, expected: str) -> None:
    assert shown(value) == expected
