"""The IDX format: what it is, and every way in which a file of it can be broken."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipelines.datasets import idx
from pipelines.errors import SourceError

IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
CONTENT = struct.pack(">IIII", 0x00000803, 2, 3, 4) + bytes(range(24))


def test_the_header_is_the_one_of_the_specification() -> None:
    assert np.array_equal(idx.decode(CONTENT, 3, "train"), IMAGES)
    assert idx.encode(IMAGES) == CONTENT
    labels = struct.pack(">II", 0x00000801, 3) + bytes([7, 0, 9])
    assert idx.decode(labels, 1, "labels").tolist() == [7, 0, 9]


def test_gzip_is_told_by_its_first_bytes() -> None:
    assert np.array_equal(idx.decode(gzip.compress(CONTENT), 3, "train"), IMAGES)


@given(arrays.arrays(np.uint8, arrays.array_shapes(min_dims=1, max_dims=3, min_side=0)))
def test_what_is_written_is_read(values: np.ndarray) -> None:
    assert np.array_equal(idx.decode(idx.encode(values), values.ndim, "any"), values)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the magic number is missing, not 00000803"),
        (b"\x00\x00", "the magic number is 0000, not"),
        (b"<html>not found</html>", "the magic number is 3c68746d, not"),
        (struct.pack(">II", 0x00000801, 3) + b"abc", "the magic number is 00000801, not 00000803"),
        (struct.pack(">I", 0x00000D03) + CONTENT[4:], "the magic number is 00000d03, not"),
        (CONTENT[:9], "9 bytes, and its header announces 16"),
        (CONTENT[:-1], "39 bytes, and its header announces 40"),
        (CONTENT + b"x", "41 bytes, and its header announces 40"),
        (struct.pack(">IIII", 0x803, 2**31, 2**31, 4), "16 bytes, and its header announces"),
        (gzip.compress(CONTENT, mtime=0)[:-9], "the gzip file is damaged"),
        (gzip.compress(CONTENT, mtime=0)[:-8] + bytes(8), "the gzip file is damaged"),
        (b"\x1f\x8bnonsense", "the gzip file is damaged"),
    ],
)
def test_a_broken_file_is_named_and_what_is_wrong_with_it(content: bytes, said: str) -> None:
    with pytest.raises(SourceError, match=said) as caught:
        idx.decode(content, 3, "folder/train-images-idx3-ubyte")
    assert caught.value.where == "folder/train-images-idx3-ubyte"


@given(st.integers(0, len(CONTENT) - 1))
def test_a_file_cut_off_anywhere_is_refused(length: int) -> None:
    with pytest.raises(SourceError):
        idx.decode(CONTENT[:length], 3, "cut")
