"""Category columns as strings; the table of what a value may be is in `encode`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from pipelines.errors import CellError
from pipelines.inference.cells import category_problem, is_encodable
from pipelines.inference.coded import Coded, Column, Columns, by_row, values_of
from pipelines.schema import MISSING_CATEGORY

_KINDS = {str, type(None)}


def at_once(columns: Columns) -> NDArray[np.object_] | None:
    """All categories of a request as one array, or None if they have to be looked at."""
    if not all(type(column) is list for column in columns):
        return None
    values = list(chain.from_iterable(columns))
    kinds = set(map(type, values))
    if not kinds <= _KINDS:
        return None
    if type(None) in kinds:
        values = [value or MISSING_CATEGORY for value in values]
    if not is_encodable(values):
        return None
    categories = np.empty(len(values), dtype=np.object_)
    categories[:] = values
    return by_row(categories, len(columns))


def one_column(column: Column, name: str, first_row: int) -> NDArray[np.object_]:
    """One column as strings, shape (rows,); CellError names the first value that is none."""
    if not isinstance(column, Coded):
        values = values_of(column)
        _refuse_non_strings(values, values, name, first_row)
        return _strings(values)
    distinct = column.values.tolist()
    _refuse_non_strings(distinct, column, name, first_row)
    # One more entry at the end: the code -1 of a missing value finds it there.
    return _strings([*distinct, None])[column.codes]


def _refuse_non_strings(
    distinct: Sequence[object], column: Column, name: str, first_row: int
) -> None:
    """Look at the distinct values, and at the rows only if something is wrong with those."""
    if set(map(type, distinct)) <= {str, type(None)} and is_encodable(distinct):
        return
    for row, value in enumerate(values_of(column)):
        if (problem := category_problem(value)) is not None:
            raise CellError(
                problem,
                row=first_row + row,
                column=name,
                next_step="send a string, or null for a missing one",
            )


def _strings(values: Sequence[object]) -> NDArray[np.object_]:
    encoded = np.empty(len(values), dtype=np.object_)
    encoded[:] = [value if isinstance(value, str) else MISSING_CATEGORY for value in values]
    return encoded
