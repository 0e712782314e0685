"""Bytes to values and back, and bytes that hold no such values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import CellError
from pipelines.serving.inference_protocol.datatypes import (
    NUMPY,
    pack_strings,
    unpack_numbers,
    unpack_strings,
)

TEXTS = st.lists(st.text(st.characters(codec="utf-8"), max_size=9), max_size=9)


@given(TEXTS)
def test_strings_come_back_as_they_were(values: list[str]) -> None:
    assert unpack_strings(pack_strings(values), len(values), "city") == values


@given(TEXTS, st.integers(0, 30), st.integers(0, 9))
def test_bytes_that_are_cut_off_or_too_many_are_refused(
    values: list[str], length: int, count: int
) -> None:
    content = pack_strings(values)[:length]
    if count == len(values) and len(content) == len(pack_strings(values)):
        return
    try:
        found = unpack_strings(content, count, "city")
    except CellError as error:
        assert error.column == "city"
    else:
        # Cut off just between two strings, and as many asked for.
        assert found == values[:count]
        assert pack_strings(found) == content


def test_a_string_is_its_length_and_its_bytes() -> None:
    assert pack_strings(["ü"]) == b"\x02\x00\x00\x00\xc3\xbc"


@pytest.mark.parametrize(
    ("content", "count"),
    [
        (b"", 1),
        (b"\x01", 1),
        (b"\x01\x00\x00\x00", 1),
        (b"\xff\xff\xff\xffa", 1),
        (b"\x01\x00\x00\x00a", 2),
        (b"\x01\x00\x00\x00a", 0),
        (b"\x01\x00\x00\x00ab", 1),
        (b"\x00\x00\x00\x00" * 3, 2),
        (b"a" * 3, 2**40),
    ],
)
def test_lengths_that_do_not_add_up_are_refused(content: bytes, count: int) -> None:
    with pytest.raises(CellError, match=f"bytes do not hold {count} strings") as caught:
        unpack_strings(content, count, "city")

    assert (caught.value.row, caught.value.column) == (None, "city")


def test_what_is_not_utf8_is_refused_at_its_row() -> None:
    content = pack_strings(["a"]) + b"\x01\x00\x00\x00\xff"
    with pytest.raises(CellError, match="not UTF-8") as caught:
        unpack_strings(content, 2, "city")

    assert (caught.value.row, caught.value.column) == (1, "city")


@pytest.mark.parametrize("datatype", sorted(NUMPY))
def test_numbers_of_every_type_are_read_lowest_byte_first(datatype: str) -> None:
    dtype = NUMPY[datatype]
    values = np.array([0, 1, 1], dtype=dtype)

    assert dtype.newbyteorder("<") == dtype
    assert unpack_numbers(values.tobytes(), datatype, 3, "a").tolist() == values.tolist()


@pytest.mark.parametrize("datatype", sorted(NUMPY))
@pytest.mark.parametrize(("size", "count"), [(0, 1), (1, 0), (2, 3), (1, 2**60)])
def test_numbers_that_are_too_few_or_too_many_are_refused(
    datatype: str, size: int, count: int
) -> None:
    content = b"\0" * size * NUMPY[datatype].itemsize

    with pytest.raises(CellError, match=f"{len(content)} bytes are not {count} values") as caught:
        unpack_numbers(content, datatype, count, "a")
    assert caught.value.column == "a"


def test_half_a_number_is_refused() -> None:
    with pytest.raises(CellError, match="15 bytes are not 2 values of FP64"):
        unpack_numbers(b"\0" * 15, "FP64", 2, "a")
