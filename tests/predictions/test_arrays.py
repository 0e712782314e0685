"""The buffers are those that Arrow itself would have made."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.predictions import arrays

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)


@given(st.lists(st.none() | TEXT, max_size=20))
def test_texts(values: list[str | None]) -> None:
    made = arrays.texts(values)
    made.validate(full=True)
    assert made.equals(pa.array(values, pa.string()))


PAIR = st.tuples(st.floats(), st.floats())


@given(st.lists(PAIR, min_size=1, max_size=20))
def test_missing_measurements_are_null(rows: list[tuple[float, float]]) -> None:
    made = arrays.measured(np.array(rows, dtype=np.float64))
    for place, column in enumerate(made):
        column.validate(full=True)
        values = [row[place] for row in rows]
        assert column.to_pylist() == [None if np.isnan(value) else value for value in values]
        assert column.null_count == sum(map(np.isnan, values))


@given(st.lists(st.booleans(), max_size=20))
def test_flags(values: list[bool]) -> None:
    assert arrays.flags(values).to_pylist() == values


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint16", "float32", "float64"])
def test_numbers_of_any_width(dtype: str) -> None:
    values = np.array([[1, 2], [3, 4]], dtype=dtype)[:, 1]  # not contiguous
    made = arrays.numbers(values)
    assert made.type == (pa.float64() if "float" in dtype else pa.int64())
    assert made.to_pylist() == [2, 4]


def test_lists_keep_their_rows() -> None:
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    made = arrays.lists(values)
    assert made.type == pa.list_(pa.float32(), 3)
    assert made.to_pylist() == values.tolist()


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        arrays.texts(["\ud800"])
