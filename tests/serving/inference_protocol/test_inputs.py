"""Inputs to tensors: every wrong name, shape, type and value is named."""

from __future__ import annotations

import math
import tracemalloc
from typing import Any

import numpy as np
import pytest

from pipelines.errors import CellError, RequestError
from pipelines.schema import CATEGORIES, NUMBERS, Schema
from pipelines.serving.inference_protocol.datatypes import BYTES, NUMPY, pack_strings
from pipelines.serving.inference_protocol.inputs import Given, tensors_of
from tests.serving.graphs import TABLE

MOST = 8


def table(**changed: Given | None) -> list[Given]:
    """Two rows of the table in JSON, with some inputs changed or left out."""
    inputs: dict[str, Given | None] = {
        "a": Given("a", "FP64", [2, 1], [1.0, 2.5]),
        "b": Given("b", "FP64", [2, 1], [None, 4]),
        "city": Given("city", BYTES, [2, 1], ["Oslo", None]),
    }
    return [given for given in {**inputs, **changed}.values() if given is not None]


def refusal(schema: Schema, inputs: list[Given]) -> CellError:
    with pytest.raises(CellError) as caught:
        tensors_of(schema, inputs, MOST)
    assert len(str(caught.value)) < 500
    return caught.value


def test_a_column_is_an_input() -> None:
    tensors = tensors_of(TABLE, table(), MOST)

    np.testing.assert_array_equal(tensors[NUMBERS], [[1.0, math.nan], [2.5, 4.0]])
    assert tensors[CATEGORIES].tolist() == [["Oslo"], [""]]


@pytest.mark.parametrize("order", [[2, 1, 0], [1, 2, 0]])
def test_inputs_come_in_any_order(order: list[int]) -> None:
    inputs = table()
    tensors = tensors_of(TABLE, [inputs[place] for place in order], MOST)

    assert tensors[NUMBERS][:, 0].tolist() == [1.0, 2.5]


@pytest.mark.parametrize(
    "given",
    [
        Given("a", "FP64", [2], [1.0, 2.0]),
        Given("a", "FP64", [2, 1], [[1.0], [2.0]]),
        Given("a", "FP64", [2, 1], np.array([1.0, 2.0]).tobytes()),
        *[
            Given("a", datatype, [2, 1], np.array([1, 2], dtype=dtype).tobytes())
            for datatype, dtype in NUMPY.items()
            if datatype != "BOOL"
        ],
        Given("a", "INT8", [2, 1], [1, 2]),
    ],
)
def test_the_same_values_in_any_form_are_the_same(given: Given) -> None:
    tensors = tensors_of(TABLE, table(a=given), MOST)

    assert tensors[NUMBERS].dtype == np.float64
    assert tensors[NUMBERS][:, 0].tolist() == [1.0, 2.0]


def test_booleans_are_one_and_zero() -> None:
    raw = Given("a", "BOOL", [2, 1], b"\x01\x00")
    plain = Given("a", "BOOL", [2, 1], [True, False])

    for given in (raw, plain):
        assert tensors_of(TABLE, table(a=given), MOST)[NUMBERS][:, 0].tolist() == [1.0, 0.0]


def test_strings_come_raw_as_well() -> None:
    given = Given("city", BYTES, [2], pack_strings(["Zürich", ""]))

    assert tensors_of(TABLE, table(city=given), MOST)[CATEGORIES].tolist() == [["Zürich"], [""]]


@pytest.mark.parametrize(
    "shape",
    [
        [],
        [0, 1],
        [0],
        [-1, 1],
        [-2, -1],
        [2, 0],
        [2, 2],
        [1, 2],
        [2, 1, 1],
        [3, 1],
        [2, -1],
        [1] * 9,
        [2**31, 2**31],
        [2**63 - 1] * 5000,
        [-(2**63)],
    ],
    ids=range(15),
)
@pytest.mark.parametrize("column", ["a", "b", "city"])
def test_a_wrong_shape_is_refused_by_name(shape: list[int], column: str) -> None:
    datatype, data = ("FP64", [1.0, 2.0]) if column != "city" else (BYTES, ["x", "y"])
    error = refusal(TABLE, table(**{column: Given(column, datatype, shape, data)}))

    assert error.column in (column, "b" if column == "a" else column)
    assert "shape" in error.problem or "do not fill" in error.problem


def test_absurdly_many_rows_are_too_many_before_anything_is_allocated() -> None:
    given = Given("a", "FP64", [2**40, 1], [1.0])
    with pytest.raises(RequestError, match=f"{2**40} rows; at most {MOST}") as caught:
        tensors_of(TABLE, table(a=given), MOST)

    assert caught.value.status == 413


@pytest.mark.parametrize(
    ("column", "datatype"),
    [
        ("a", BYTES),
        ("a", "FLOAT"),
        ("a", "fp64"),
        ("a", "BF16"),
        ("a", ""),
        ("a", "x" * 1000),
        ("city", "FP64"),
        ("city", "STRING"),
    ],
)
def test_a_wrong_datatype_is_refused_by_name(column: str, datatype: str) -> None:
    error = refusal(TABLE, table(**{column: Given(column, datatype, [2, 1], ["x", "y"])}))

    assert error.column == column
    assert "its datatype is" in error.problem
    assert error.next_step.startswith("send BYTES" if column == "city" else "send FP64")


@pytest.mark.parametrize(
    ("data", "row"),
    [
        (["1", 2.0], 0),
        ([1.0, [2.0]], 1),
        ([1.0, {}], 1),
        ([1.0, 2**53 + 1], 1),
        ([1.0, math.inf], 1),
        ([1.0, 1e31], 1),
    ],
)
def test_a_wrong_number_is_refused_by_row(data: list[Any], row: int) -> None:
    error = refusal(TABLE, table(a=Given("a", "FP64", [2, 1], data)))

    assert (error.row, error.column) == (row, "a")


@pytest.mark.parametrize("data", [["x", 1], ["x", True], ["x", []], ["x", "\ud800"]])
def test_a_wrong_category_is_refused_by_row(data: list[Any]) -> None:
    error = refusal(TABLE, table(city=Given("city", BYTES, [2, 1], data)))

    assert (error.row, error.column) == (1, "city")


@pytest.mark.parametrize("data", [[], [1.0], [1.0, 2.0, 3.0], [[1.0, 2.0, 3.0]], [[]], [[[]], []]])
def test_data_that_does_not_fill_the_shape_is_refused(data: list[Any]) -> None:
    error = refusal(TABLE, table(a=Given("a", "FP64", [2, 1], data)))

    assert error.column == "a"
    assert "do not fill the shape [2, 1]" in error.problem


@pytest.mark.parametrize("content", [b"", b"\0" * 15, b"\0" * 24])
def test_bytes_that_do_not_fill_the_shape_are_refused(content: bytes) -> None:
    error = refusal(TABLE, table(a=Given("a", "FP64", [2, 1], content)))

    assert error.column == "a"
    assert "bytes are not 2 values" in error.problem


@pytest.mark.parametrize("bits", [2**53 + 1, 2**63])
def test_an_integer_that_loses_digits_is_refused_raw_as_well(bits: int) -> None:
    content = np.array([1, bits], dtype=np.uint64).tobytes()
    error = refusal(TABLE, table(a=Given("a", "UINT64", [2, 1], content)))

    assert (error.row, error.column) == (1, "a")
    assert "2**53" in error.problem


def test_a_missing_input_is_named_with_all_that_are_wanted() -> None:
    error = refusal(TABLE, table(b=None))

    assert (error.column, error.next_step) == ("b", "send all of: a, b, city")
    assert refusal(TABLE, []).column == "a"


def test_an_unknown_input_is_named_with_the_one_that_may_be_meant() -> None:
    error = refusal(TABLE, table(x=Given("citty", BYTES, [2, 1], ["x", "y"])))

    assert error.column == "citty"
    assert "did you mean 'city'" in error.problem


def test_an_input_that_is_there_twice_is_named() -> None:
    twice = [*table(), Given("b", "FP64", [2, 1], [1.0, 2.0])]

    assert (refusal(TABLE, twice).column, refusal(TABLE, twice).problem) == (
        "b",
        "the input is there twice",
    )


def test_a_name_of_any_length_makes_a_short_error() -> None:
    error = refusal(TABLE, [Given("x" * 100_000, "FP64", [2, 1], [1, 2]), *table()])

    assert error.column == "x" * 80


@pytest.mark.parametrize("rows", [1, 200], ids=["few", "many"])
@pytest.mark.parametrize(
    ("datatype", "wrong", "right"),
    [
        ("INT8", 128, -128),
        ("INT8", 1.5, True),
        ("UINT8", -1, 255),
        ("UINT8", 10**400, 0),
        ("INT64", 2.0**63, 2**52),
        ("BOOL", 2, 1),
        ("BOOL", 0.5, False),
        ("FP16", 1e5, 65504),
        ("FP32", -1e39, 0.1),
    ],
)
def test_a_number_that_its_type_does_not_have_is_named(
    datatype: str, wrong: float, right: float, rows: int
) -> None:
    shape = [rows, 1]
    others = {
        "b": Given("b", "FP64", shape, [0.0] * rows),
        "city": Given("city", BYTES, shape, [""] * rows),
    }
    good = Given("a", datatype, shape, [right] * rows)
    tensors = tensors_of(TABLE, table(a=good, **others), rows)
    assert tensors[NUMBERS][:, 0].tolist() == [right] * rows

    bad = Given("a", datatype, shape, [right] * (rows - 1) + [wrong])
    with pytest.raises(CellError, match=f"is no {datatype}") as caught:
        tensors_of(TABLE, table(a=bad, **others), rows)
    assert (caught.value.row, caught.value.column) == (rows - 1, "a")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("values", [[1] * 99 + [None], [1] * 99 + ["1"], [1] * 99 + [[1]]])
def test_many_values_that_are_no_numbers_are_what_they_are_among_few(values: list[Any]) -> None:
    others = {
        "b": Given("b", "FP64", [100], [0.0] * 100),
        "city": Given("city", BYTES, [100], [""] * 100),
    }
    given = table(a=Given("a", "INT8", [100], values), **others)
    if values[-1] is None:
        assert math.isnan(tensors_of(TABLE, given, 100)[NUMBERS][-1, 0])
    else:
        with pytest.raises(CellError) as caught:
            tensors_of(TABLE, given, 100)
        assert caught.value.row == 99


def test_a_byte_that_is_no_boolean_is_refused() -> None:
    error = refusal(TABLE, table(a=Given("a", "BOOL", [2, 1], b"\x00\x07")))
    assert (error.column, error.problem) == ("a", "a byte of BOOL is 0 or 1")


def test_one_long_string_among_many_numbers_takes_no_memory() -> None:
    values: list[Any] = [1.0] * 4095 + ["x" * 100_000]
    tracemalloc.start()
    try:
        with pytest.raises(CellError) as caught:
            others = {
                "b": Given("b", "FP64", [4096], [0.0] * 4096),
                "city": Given("city", BYTES, [4096], [""] * 4096),
            }
            tensors_of(TABLE, table(a=Given("a", "FP32", [4096], values), **others), 4096)
        assert tracemalloc.get_traced_memory()[1] < 10**7
    finally:
        tracemalloc.stop()
    assert (caught.value.row, caught.value.column) == (4095, "a")
