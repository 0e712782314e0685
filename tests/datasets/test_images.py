"""Images as rows: which column is which pixel."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.datasets import images
from pipelines.errors import DataError

SCHEMA = images.schema((2, 3, 2), ("cat", "dog"))
PIXELS = np.arange(4 * 12, dtype=np.uint8).reshape(4, 2, 3, 2)


def check(pixels: np.ndarray, labels: np.ndarray) -> None:
    images.check(pixels, labels, SCHEMA, images_file="i.bin", labels_file="l.bin")


def test_pixels_come_row_by_row_each_with_its_channels() -> None:
    ingested = images.ingested(PIXELS, np.array([0, 1, 1, 0]), SCHEMA)
    [(_, frame)] = ingested.partitions
    assert list(frame.columns) == [*(f"pixel_{place}" for place in range(12)), "label"]
    assert frame.loc[1, "pixel_7"] == PIXELS[1, 1, 0, 1]
    assert (ingested.schema.task, ingested.schema.time) == ("multiclass", None)


def test_what_fits_is_not_refused() -> None:
    check(PIXELS, np.array([0, 1, 1, 0]))
    check(PIXELS[:0], np.array([], dtype=int))


@pytest.mark.parametrize(
    ("pixels", "labels", "where"),
    [
        (PIXELS[:, :1], [0, 1, 1, 0], "i.bin"),
        (PIXELS, [0, 1, 1], "l.bin"),
        (PIXELS, [0, 1, 2, 0], "l.bin"),
    ],
)
def test_what_does_not_fit_is_named(pixels: np.ndarray, labels: list[int], where: str) -> None:
    with pytest.raises(DataError) as caught:
        check(pixels, np.array(labels))
    assert caught.value.where == where
