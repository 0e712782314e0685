"""The shapes that statistics take, and the one check that all of them need."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.errors import DataError

Array = NDArray[Any]
Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]


def positives_of(labels: Array) -> Mask:
    """Which rows carry the event.

    Args:
        labels: shape (rows,), holding 0 and 1 only.

    Returns:
        Shape (rows,), true where the label is 1.

    Raises:
        DataError: there are no rows, or another value than 0 and 1 among them.
    """
    if labels.size == 0:
        raise DataError(
            "there are no rows", where="labels", next_step="measure on at least one row"
        )
    is_positive: Mask = labels == 1
    if not np.all(is_positive | (labels == 0)):
        raise DataError(
            "labels are 0 and 1, and others were found",
            where="labels",
            next_step="drop the rows without a label and encode the event as 1",
        )
    return is_positive


def midranks(values: Floats) -> Floats:
    """The rank of each value from 1, ties sharing the mean of theirs.

    As scipy.stats.rankdata, whose package takes longer to import than a verdict to reach.
    """
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Floats = (np.cumsum(count) - (count - 1) / 2)[place]
    return ranks


def both_classes(labels: Array) -> Mask:
    """As `positives_of`, for measures that compare the two classes.

    Raises:
        DataError: also when one of the classes is absent.
    """
    is_positive = positives_of(labels)
    if is_positive.all() or not is_positive.any():
        raise DataError(
            f"all {labels.size} rows have the label {int(is_positive[0])}",
            where="labels",
            next_step="measure on rows of both classes",
        )
    return is_positive
