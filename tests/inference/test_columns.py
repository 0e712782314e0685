"""Arrow's many types, and which of them are numbers and categories."""

from __future__ import annotations

import math
from decimal import Decimal

import pyarrow as pa
import pytest

from pipelines.errors import CellError
from pipelines.inference.columns import encode_batch
from pipelines.schema import CATEGORIES, NUMBERS, Schema

SCHEMA = Schema(numbers=("x",), categories=("c",), target="y")


def batch(x: pa.Array, c: pa.Array) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([x, c], ["x", "c"])


WORDS = pa.array(["a", None, ""])
NUMBERS_ONLY = pa.array([1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1, None, 3], pa.int8()),
        pa.array([1, None, 3], pa.uint64()),
        pa.array([1, None, 3], pa.float32()),
        pa.array([True, None, True]),
        pa.array([Decimal("1"), None, Decimal("3")]),
    ],
)
def test_every_kind_of_number_is_taken(column: pa.Array) -> None:
    first, missing, last = encode_batch(SCHEMA, batch(column, WORDS))[NUMBERS][:, 0]

    assert first == 1
    assert math.isnan(missing)
    assert last in {1, 3}


@pytest.mark.parametrize(
    "column",
    [
        WORDS,
        WORDS.cast(pa.large_string()),
        WORDS.cast(pa.string_view()),
        WORDS.dictionary_encode(),
        WORDS.cast(pa.dictionary(pa.uint8(), pa.string())),
        pa.DictionaryArray.from_arrays(pa.array([0, 1, 2]), pa.array(["a", None, ""])),
    ],
)
def test_every_kind_of_string_is_taken(column: pa.Array) -> None:
    tensors = encode_batch(SCHEMA, batch(NUMBERS_ONLY, column))

    assert tensors[CATEGORIES][:, 0].tolist() == ["a", "", ""]


@pytest.mark.parametrize("kind", [pa.null(), pa.string(), pa.date32(), pa.float64()])
def test_a_column_of_nulls_may_have_any_type(kind: pa.DataType) -> None:
    nulls = pa.nulls(3, kind)
    tensors = encode_batch(SCHEMA, batch(nulls, nulls))

    assert all(math.isnan(value) for value in tensors[NUMBERS][:, 0])
    assert tensors[CATEGORIES][:, 0].tolist() == ["", "", ""]


def test_a_wrong_type_is_refused_at_the_first_row_that_has_a_value() -> None:
    with pytest.raises(
        CellError, match=r"row 11 \(counted from 0\), column 'x': 'b' \(type string\)"
    ):
        encode_batch(SCHEMA, batch(pa.array([None, "b"]), pa.array(["a", "b"])), first_row=10)
    with pytest.raises(CellError, match=r"row 0 \(counted from 0\), column 'c': 1 \(type int64\)"):
        encode_batch(SCHEMA, batch(pa.array([1, 2]), pa.array([1, 2])))
    codes = pa.array([7, 8]).dictionary_encode()
    with pytest.raises(
        CellError, match=r"row 0 \(counted from 0\), column 'c': 7 .type dictionary"
    ):
        encode_batch(SCHEMA, batch(pa.array([1, 2]), codes))


def test_a_nullable_integer_beyond_float64_is_refused_at_its_row() -> None:
    column = pa.array([None, 2**53 + 1])

    with pytest.raises(CellError, match=r"row 1 \(counted from 0\), column 'x': .*2\*\*53"):
        encode_batch(SCHEMA, batch(column, pa.array(["a", "b"])))


def test_a_missing_column_is_named() -> None:
    with pytest.raises(CellError, match="column 'c': the column is missing"):
        encode_batch(SCHEMA, pa.RecordBatch.from_arrays([NUMBERS_ONLY], ["x"]))
