"""What a column may be before it is encoded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Coded(NamedTuple):
    """A category column as `values[codes]`; the code -1 is a missing value.

    Batch scoring has its strings in this form: each distinct string is checked and made into a
    Python object once, however many rows it stands in.
    """

    values: NDArray[np.object_]
    codes: NDArray[np.integer[Any]]

    def __len__(self) -> int:  # the number of rows, not of fields
        return len(self.codes)


Column = NDArray[Any] | Coded | Sequence[object]
# One after the other, or float64 of shape (columns, rows).
Columns = list[Column] | NDArray[np.float64]


def by_row(values: NDArray[Any], columns: int) -> NDArray[Any]:
    """Values that lie column by column as an array of shape (rows, columns)."""
    return np.ascontiguousarray(values.reshape(columns, -1).T)


def values_of(column: Column) -> Sequence[object]:
    """The values of a column, one by one."""
    if isinstance(column, Coded):
        return [None if code < 0 else column.values[code] for code in column.codes]
    return column.tolist() if isinstance(column, np.ndarray) else column
