"""One value at a time: what may be a number, what a category."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipelines.errors import CellError
from pipelines.inference.cells import LARGEST, category_problem, is_encodable, number_problem
from pipelines.inference.encode import encode_columns
from pipelines.schema import Schema
from pipelines.settings import ValidateSettings
from pipelines.validation.builtin import rowwise
from pipelines.validation.loading import load


@pytest.mark.parametrize("value", [None, 1, 1.5, True, np.int8(3), np.float32(2), 2**53])
def test_a_number_has_no_problem(value: object) -> None:
    assert number_problem(value) is None


@pytest.mark.parametrize("value", ["1", [1], 1j, 2**53 + 1, np.uint64(2**63)])
def test_what_is_no_number_has_one(value: object) -> None:
    assert number_problem(value)


@pytest.mark.parametrize("value", [None, math.nan, "", "NA", "Zürich"])
def test_a_category_has_no_problem(value: object) -> None:
    assert category_problem(value) is None


@pytest.mark.parametrize("value", [1, 1.5, b"x", "\ud800"])
def test_what_is_no_category_has_one(value: object) -> None:
    assert category_problem(value)


def test_half_a_surrogate_pair_among_many_is_found() -> None:
    assert is_encodable(["a", None, "b"])
    assert not is_encodable(["a", "\ud800", "b"])


@pytest.mark.parametrize("value", [LARGEST, math.nextafter(LARGEST, math.inf), -2 * LARGEST])
def test_training_and_prediction_draw_the_line_at_the_same_number(
    value: float, tmp_path: Path
) -> None:
    schema = Schema(numbers=("x",), categories=(), target="y")
    pd.DataFrame({"x": [1.0, value], "y": [0.0, 1.0]}).to_parquet(tmp_path / "all.parquet")
    [table, *_] = load(tmp_path)
    repeated = rowwise.repeats(table.frame)
    results = rowwise.of_rows(table, repeated, schema, ValidateSettings())
    is_quarantined = any(result.positions == (1,) for result in results)
    try:
        encode_columns(schema, {"x": table.frame["x"].to_numpy()})
        is_refused = False
    except CellError:
        is_refused = True
    assert is_quarantined == is_refused == (abs(value) > LARGEST)
