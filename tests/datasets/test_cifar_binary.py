"""CIFAR's binary format: where each byte of a record belongs."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.datasets import cifar_binary
from pipelines.errors import DataError, SourceError


def record(label: int) -> bytes:
    """Red counts up along the rows, green is 100, blue is 200."""
    red = bytes(place % 256 for place in range(1024))
    return bytes([label]) + red + bytes([100]) * 1024 + bytes([200]) * 1024


def test_a_record_is_a_label_and_three_planes_row_by_row() -> None:
    pixels, labels = cifar_binary.decode(record(3) + record(9), 10, "data_batch_1.bin")
    assert pixels.shape == (2, 32, 32, 3)
    assert labels.tolist() == [3, 9]
    assert pixels[0, 0, 5].tolist() == [5, 100, 200]
    assert pixels[1, 2, 7].tolist() == [2 * 32 + 7, 100, 200]


def test_what_is_written_is_read() -> None:
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (5, 32, 32, 3)).astype(np.uint8)
    labels = draw.integers(0, 10, 5)
    content = cifar_binary.encode(pixels, labels)
    assert len(content) == 5 * 3073
    again = cifar_binary.decode(content, 10, "any")
    assert np.array_equal(again[0], pixels)
    assert np.array_equal(again[1], labels)
    assert cifar_binary.encode(*cifar_binary.decode(record(7), 10, "any")) == record(7)


@pytest.mark.parametrize("content", [b"", record(1)[:-1], record(1) + b"x", b"<html></html>"])
def test_a_file_that_is_not_whole_records_is_refused(content: bytes) -> None:
    with pytest.raises(SourceError, match="not whole records of 3,073") as caught:
        cifar_binary.decode(content, 10, "folder/data_batch_1.bin")
    assert caught.value.where == "folder/data_batch_1.bin"


def test_a_label_out_of_range_is_named_with_its_record() -> None:
    with pytest.raises(DataError, match=r"record 1 .* has the label 10") as caught:
        cifar_binary.decode(record(9) + record(10) + record(200), 10, "folder/test_batch.bin")
    assert caught.value.where == "folder/test_batch.bin"
