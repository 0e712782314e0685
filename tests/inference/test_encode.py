"""What each kind of value becomes, and how what is refused is named."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import CellError
from pipelines.inference.cells import LARGEST
from pipelines.inference.coded import Coded
from pipelines.inference.columns import encode_batch
from pipelines.inference.encode import encode_columns, encode_matrix, encode_rows
from pipelines.schema import CATEGORIES, NUMBERS, Schema

SCHEMA = Schema(numbers=("distance", "hour"), categories=("carrier",), target="late")
ROW: dict[str, Any] = {"distance": 1.5, "hour": 7, "carrier": "UA"}


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def encode_one(**values: object) -> tuple[float, float, str]:
    tensors = encode_rows(SCHEMA, [{**ROW, **values}])
    return (*tensors[NUMBERS][0], tensors[CATEGORIES][0, 0])


def test_rows_become_tensors_in_the_schemas_order() -> None:
    tensors = encode_rows(SCHEMA, [{"carrier": "UA", "hour": 7, "distance": 1.5}, ROW])

    assert tensors[NUMBERS].dtype == np.float64
    assert tensors[NUMBERS].tolist() == [[1.5, 7.0], [1.5, 7.0]]
    assert tensors[CATEGORIES].dtype == np.object_
    assert tensors[CATEGORIES].tolist() == [["UA"], ["UA"]]


def test_a_schema_without_categories_has_one_tensor() -> None:
    schema = Schema(numbers=("x",), categories=(), target="y")

    assert list(encode_rows(schema, [{"x": 1}])) == [NUMBERS]
    assert list(encode_columns(schema, {"x": np.ones(2)})) == [NUMBERS]


def test_a_schema_without_numbers_has_one_tensor() -> None:
    schema = Schema(numbers=(), categories=("x",), target="y")

    assert list(encode_rows(schema, [{"x": "a"}])) == [CATEGORIES]


@pytest.mark.parametrize(
    ("value", "number"),
    [(3, 3.0), (True, 1.0), (False, 0.0), (-0.5, -0.5), (2**53, 2.0**53), (np.float32(2), 2.0)],
)
def test_numbers_and_booleans_are_themselves(value: object, number: float) -> None:
    assert encode_one(distance=value)[0] == number


@pytest.mark.parametrize("value", [None, math.nan, np.float64("nan")])
def test_a_missing_number_is_nan(value: object) -> None:
    assert math.isnan(encode_one(distance=value)[0])


@pytest.mark.parametrize("value", [None, math.nan, ""])
def test_a_missing_category_is_the_empty_string(value: object) -> None:
    assert encode_one(carrier=value)[2] == ""


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("12", "'12' is not a number"),
        ("NaN", "is not a number"),
        ([1], "is not a number"),
        ({}, "is not a number"),
        (math.inf, "not a finite number"),
        (-math.inf, "not a finite number"),
        (1e300, "1e+300 is not a finite number within 1e+30"),
        (-1.1e30, "-1.1e+30 is not a finite number within 1e+30"),
        (2**53 + 1, "2**53"),
        (-(2**53) - 1, "2**53"),
        (10**400, "2**53"),
        ("x" * 1000, "xxx..."),
    ],
)
def test_what_is_no_number_is_refused_by_row_and_column(value: object, words: str) -> None:
    with pytest.raises(CellError, match=r"row 1 \(counted from 0\), column 'hour'") as caught:
        encode_rows(SCHEMA, [ROW, {**ROW, "hour": value}])

    assert words in caught.value.problem
    assert len(caught.value.problem) < 120
    assert (caught.value.row, caught.value.column) == (1, "hour")


@pytest.mark.parametrize("value", [1, 1.0, True, ["UA"], b"UA", "\ud800", "ab\udfffc"])
def test_what_is_no_string_is_refused_by_row_and_column(value: object) -> None:
    with pytest.raises(CellError, match=r"row 1 \(counted from 0\), column 'carrier'"):
        encode_rows(SCHEMA, [ROW, {**ROW, "carrier": value}])


def test_a_value_too_large_to_print_is_refused_all_the_same() -> None:
    for value in (10**5000, nested(100_000)):
        with pytest.raises(
            CellError, match=r"row 0 \(counted from 0\), column 'carrier': a value of the type"
        ):
            encode_rows(SCHEMA, [{**ROW, "carrier": value}])


def test_a_missing_column_is_not_a_missing_value() -> None:
    row = {"distance": 1.0, "hour": 1}

    with pytest.raises(
        CellError, match=r"row 1 \(counted from 0\), column 'carrier': the column is missing"
    ):
        encode_rows(SCHEMA, [ROW, row])
    with pytest.raises(CellError, match="column 'carrier': the column is missing"):
        encode_columns(SCHEMA, {"distance": [1.0], "hour": [1]})


def test_an_unknown_column_of_a_row_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(
        CellError, match=r"row 0 \(counted from 0\), column 'carier'.*mean 'carrier'"
    ):
        encode_rows(SCHEMA, [{**ROW, "carier": "UA"}])


def test_other_columns_of_a_table_are_not_looked_at() -> None:
    columns = {"distance": [1.0], "hour": [2], "carrier": ["UA"], "late": [object()]}

    assert encode_columns(SCHEMA, columns)[NUMBERS].tolist() == [[1.0, 2.0]]


def test_no_rows_are_refused() -> None:
    with pytest.raises(CellError, match="there are no rows"):
        encode_rows(SCHEMA, [])


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(CellError, match="column 'hour': has 1 rows where 'distance' has 2"):
        encode_columns(SCHEMA, {"distance": [1, 2], "hour": [1], "carrier": ["a", "b"]})


def test_errors_of_a_batch_count_from_its_first_row() -> None:
    columns = {"distance": np.array([1.0, np.inf]), "hour": [1, 2], "carrier": ["a", "b"]}

    with pytest.raises(CellError, match=r"row 1001 \(counted from 0\), column 'distance'"):
        encode_columns(SCHEMA, columns, first_row=1000)


@pytest.mark.parametrize("wrong", [2**53 + 1, -(2**53) - 1, np.iinfo(np.int64).min])
def test_integer_arrays_are_held_to_exactness(wrong: int) -> None:
    columns = {"distance": np.array([1, wrong]), "hour": [1, 2], "carrier": ["a", "b"]}

    with pytest.raises(CellError, match=r"row 1 \(counted from 0\), column 'distance'.*2\*\*53"):
        encode_columns(SCHEMA, columns)


def test_coded_categories_are_their_values_and_minus_one_is_missing() -> None:
    coded = Coded(np.array(["B6", None, "UA"], dtype=object), np.array([2, 0, -1, 1]))
    columns = {"distance": np.zeros(4), "hour": np.zeros(4), "carrier": coded}

    assert encode_columns(SCHEMA, columns)[CATEGORIES][:, 0].tolist() == ["UA", "B6", "", ""]


def test_a_coded_column_with_numbers_in_it_is_refused() -> None:
    coded = Coded(np.array(["B6", 3], dtype=object), np.array([0, 0, 1]))
    columns = {"distance": np.zeros(3), "hour": np.zeros(3), "carrier": coded}

    with pytest.raises(
        CellError, match=r"row 2 \(counted from 0\), column 'carrier'.*not a string"
    ):
        encode_columns(SCHEMA, columns)


CELLS = st.fixed_dictionaries(
    {
        "distance": st.none() | st.floats(-LARGEST, LARGEST),
        "hour": st.none() | st.integers(-(2**53), 2**53),
        "carrier": st.none() | st.text(st.characters(codec="utf-8"), max_size=5),
    }
)


@given(st.lists(CELLS, min_size=1, max_size=20))
def test_every_way_in_gives_the_same_tensors(rows: list[dict[str, Any]]) -> None:
    by_row = encode_rows(SCHEMA, rows)
    frame = pd.DataFrame(rows, columns=list(SCHEMA.features))
    by_frame = encode_columns(SCHEMA, {name: frame[name].to_numpy() for name in frame})
    types = pa.schema([("distance", pa.float64()), ("hour", pa.int64()), ("carrier", pa.string())])
    by_arrow = encode_batch(SCHEMA, pa.RecordBatch.from_pylist(rows, types))

    for other in (by_frame, by_arrow):
        np.testing.assert_array_equal(other[NUMBERS], by_row[NUMBERS])
        assert other[CATEGORIES].tolist() == by_row[CATEGORIES].tolist()


WILD = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(),
    st.integers(-(2**54), 2**54),
    st.sampled_from([2**53, 2**53 + 1, -(2**53) - 1, 10**400, LARGEST, -2 * LARGEST, 10**30 + 1]),
    st.text(max_size=3),
    st.lists(st.none(), max_size=1),
)
TABLES = st.integers(1, 5).flatmap(
    lambda rows: st.tuples(*[st.lists(WILD, min_size=rows, max_size=rows)] * 2)
)
TWO = Schema(numbers=("x", "y"), categories=(), target="z")


def outcome(encode: Any, *arguments: Any) -> Any:
    """The numbers, or where and why there are none."""
    try:
        return np.asarray(encode(*arguments)[NUMBERS])
    except CellError as error:
        return (error.row, error.column, error.problem)


def assert_same(left: Any, right: Any) -> None:
    if isinstance(left, tuple) or isinstance(right, tuple):
        assert left == right
    else:
        np.testing.assert_array_equal(left, right)


@given(TABLES)
def test_the_quick_way_and_the_slow_one_agree_on_values_and_on_errors(
    columns: tuple[list[Any], list[Any]],
) -> None:
    x, y = columns
    # A tuple is a sequence like a list, and the quick way takes lists only.
    quick = outcome(encode_columns, TWO, {"x": x, "y": y})
    slow = outcome(encode_columns, TWO, {"x": tuple(x), "y": tuple(y)})

    assert_same(quick, slow)
    assert_same(
        quick, outcome(encode_rows, TWO, [{"x": a, "y": b} for a, b in zip(x, y, strict=True)])
    )


@given(st.lists(st.floats(-LARGEST, LARGEST) | st.just(math.nan), min_size=1, max_size=5))
def test_lists_and_arrays_are_encoded_alike(values: list[float]) -> None:
    listed = encode_columns(TWO, {"x": values, "y": values})[NUMBERS]
    array = encode_columns(TWO, {"x": np.array(values), "y": np.array(values)})[NUMBERS]

    np.testing.assert_array_equal(listed, array)
    assert listed.flags.c_contiguous
    assert listed.dtype == np.float64


@given(TABLES)
def test_a_matrix_is_its_columns(columns: tuple[list[Any], list[Any]]) -> None:
    x, y = columns
    flat = [value for pair in zip(x, y, strict=True) for value in pair]
    matrix = outcome(encode_matrix, TWO, flat, len(x))
    by_column = outcome(encode_columns, TWO, {"x": x, "y": y})

    if isinstance(matrix, tuple):
        # Whatever is wrong is wrong both ways; which of many faults is named first may differ.
        assert isinstance(by_column, tuple)
        row, column, problem = matrix
        one_by_one = outcome(encode_columns, TWO, {"x": [x[row]], "y": [y[row]]})
        assert isinstance(one_by_one, tuple)
        assert column in ("x", "y")
        assert problem
    else:
        np.testing.assert_array_equal(matrix, by_column)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8, np.int64, np.bool_])
def test_a_matrix_of_any_numeric_type_becomes_rows(dtype: type) -> None:
    values = np.array([0, 1, 1, 0], dtype=dtype)
    tensors = encode_matrix(TWO, values, 2)

    assert tensors[NUMBERS].dtype == np.float64
    assert tensors[NUMBERS].tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("values", "row", "column"),
    [
        ([1, 2, "3", 4], 1, "x"),
        ([1, 2, 3, 2**53 + 1], 1, "y"),
        (np.array([1, 2, 3, 2**60]), 1, "y"),
        (np.array([1.0, np.inf, 3, 4]), 0, "y"),
        ([1.0, None, 1e31, 4.0], 1, "x"),
    ],
)
def test_a_wrong_value_of_a_matrix_is_named_by_row_and_column(
    values: Any, row: int, column: str
) -> None:
    with pytest.raises(CellError) as caught:
        encode_matrix(TWO, values, 2)

    assert (caught.value.row, caught.value.column) == (row, column)
