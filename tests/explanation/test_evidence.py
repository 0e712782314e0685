"""Shares of missing values, from the rows that the model learned from."""

from __future__ import annotations

import numpy as np

from pipelines.explanation.evidence import missing_shares
from pipelines.schema import CATEGORIES, NUMBERS, Schema


def test_missing_numbers_and_categories_the_most_first() -> None:
    rows = {
        NUMBERS: np.array([[1.0, np.nan], [2.0, np.nan], [np.nan, np.nan], [0.0, 1.0]]),
        CATEGORIES: np.array([["x"], [""], [""], ["y"]], dtype=object),
    }
    found = missing_shares(rows, Schema(("a", "b"), ("kind",), "y"))
    assert list(found.items()) == [("b", 0.75), ("kind", 0.5), ("a", 0.25)]


def test_a_model_of_one_kind_of_feature() -> None:
    only = {CATEGORIES: np.array([["x"], [""]], dtype=object)}
    assert missing_shares(only, Schema((), ("kind",), "y")) == {"kind": 0.5}
