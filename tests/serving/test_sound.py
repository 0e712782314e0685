"""Answers that nobody may get."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipelines.errors import RequestError
from pipelines.serving.sound import require_numbers, require_rows
from tests.serving import graphs


def test_every_row_has_one_answer() -> None:
    outputs = {"probability": np.zeros(3), "label": np.zeros(3)}
    require_rows(outputs, 3)
    for rows in (2, 4):
        with pytest.raises(ValueError, match=f"has 3 rows for {rows}"):
            require_rows(outputs, rows)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_the_first_row_whose_answer_is_no_number_is_named(odd: float, tmp_path: Path) -> None:
    model = graphs.model(tmp_path / "model", graphs.WORDS)
    probabilities = np.full((4, 3), 1 / 3)
    outputs = {"probabilities": probabilities, "label": np.array(["low"] * 4, dtype=object)}
    require_numbers(model, outputs)
    probabilities[2:, 1] = odd
    with pytest.raises(RequestError, match="probabilities is no number") as caught:
        require_numbers(model, outputs)
    assert caught.value.status == 500
    assert "row 2 " in caught.value.where


def test_large_numbers_whose_sum_is_none_are_numbers(tmp_path: Path) -> None:
    model = graphs.model(tmp_path / "model", graphs.MINUTES)
    require_numbers(model, {"value": np.full(4, 1e308)})
