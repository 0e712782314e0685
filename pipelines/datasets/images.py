"""Images as the rows of a table: a column for each value of a pixel, and the label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.datasets.base import WHOLE, Ingested
from pipelines.errors import DataError, SettingsError
from pipelines.schema import Schema
from pipelines.settings import IngestSettings

TARGET = "label"
DIGITS = tuple("0123456789")
_NEXT_STEP = "name files that belong together, or fetch them again"


def schema(shape: tuple[int, int, int], classes: tuple[str, ...]) -> Schema:
    """The columns of images of one height, width and number of channels."""
    count = shape[0] * shape[1] * shape[2]
    return Schema(
        numbers=tuple(f"pixel_{place}" for place in range(count)),
        categories=(),
        target=TARGET,
        task="multiclass",
        classes=classes,
        image=shape,
    )


def ingested(images: npt.NDArray[Any], labels: npt.NDArray[Any], columns: Schema) -> Ingested:
    """All images as one partition: they have no time.

    Args:
        images: shape (rows, height, width) or (rows, height, width, channels).
        labels: class numbers, shape (rows,).
        columns: what `schema` gave.
    """
    values = images.reshape(len(images), -1).astype(np.float64)
    frame = pd.DataFrame(values, columns=list(columns.numbers))
    frame[TARGET] = labels.astype(np.int64)
    return Ingested(columns, iter([(WHOLE, frame)]))


def check(
    images: npt.NDArray[Any],
    labels: npt.NDArray[Any],
    columns: Schema,
    *,
    images_file: str,
    labels_file: str,
) -> None:
    """Refuse images of another size, and labels that do not go with them.

    Raises:
        DataError: what is wrong, with the file that is at fault.
    """
    assert columns.image is not None
    height, width, _ = columns.image
    if images.shape[1:3] != (height, width):
        raise DataError(
            f"the images are {_times(images.shape[1:3])}, not {_times((height, width))}",
            where=images_file,
            next_step="name the files of this dataset; for others, write a dataset of its own",
        )
    if len(images) != len(labels):
        raise DataError(
            f"{len(labels):,} labels for the {len(images):,} images of {images_file}",
            where=labels_file,
            next_step=_NEXT_STEP,
        )
    if len(labels) and labels.max() >= len(columns.classes):
        row = int((labels >= len(columns.classes)).argmax())
        raise DataError(
            f"label {row} (counted from 0) is {labels[row]}; there are only the classes 0 to "
            f"{len(columns.classes) - 1}",
            where=labels_file,
            next_step=_NEXT_STEP,
        )


def refuse_window(settings: IngestSettings) -> None:
    """Images are not dated, so nobody may believe that he has chosen some months of them.

    Raises:
        SettingsError: `since` or `until` is set.
    """
    for key in ("since", "until"):
        if getattr(settings, key) is not None:
            raise SettingsError(
                "the images have no time, and cannot be cut into months",
                where=f"params.yaml: ingest.{key}",
                next_step="take it out",
            )


def _times(sizes: Sequence[int]) -> str:
    return "x".join(str(size) for size in sizes)
