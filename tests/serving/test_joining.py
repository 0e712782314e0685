"""Rows of several requests, put together and taken apart again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.serving.joining import chosen, joined, parted

COUNTS = st.lists(st.integers(1, 40), min_size=1, max_size=20)


@given(COUNTS)
def test_what_is_joined_comes_apart_as_it_was(counts: list[int]) -> None:
    numbers = np.arange(2.0 * sum(counts)).reshape(-1, 2)
    words = np.array([f"{row}" for row in range(sum(counts))], dtype=object)[:, None]
    parts = list(parted({"numbers": numbers, "words": words}, counts))
    assert [len(part["numbers"]) for part in parts] == counts
    again = joined(parts)
    assert again.keys() == {"numbers", "words"}
    np.testing.assert_array_equal(again["numbers"], numbers)
    np.testing.assert_array_equal(again["words"], words)


@pytest.mark.parametrize(
    ("which", "rows"),
    [
        ([True, True, True], [0, 1, 2, 3, 4, 5]),
        ([True, False, True], [0, 3, 4, 5]),
        ([False, True, False], [1, 2]),
        ([False, False, False], []),
    ],
)
def test_the_rows_of_some_requests_are_picked(which: list[bool], rows: list[int]) -> None:
    arrays = {"x": np.arange(6), "y": np.arange(12).reshape(6, 2)}
    picked = chosen(arrays, [1, 2, 3], which)
    assert picked["x"].tolist() == rows
    assert picked["y"][:, 0].tolist() == [2 * row for row in rows]
