"""Numeric columns as float64; the table of what a value may be is in `encode`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pipelines.errors import CellError
from pipelines.inference.cells import EXACT_INTEGER, LARGEST, number_problem
from pipelines.inference.coded import Column, Columns, by_row, values_of

_KINDS = {float, int, bool, type(None)}


def at_once(columns: Columns) -> NDArray[np.float64] | None:
    """All numeric columns of a request as one array, or None if they have to be looked at.

    For a few rows, going from column to column costs more than the model does.
    """
    if isinstance(columns, np.ndarray):
        return by_row(columns, len(columns))
    if all(type(column) is np.ndarray and column.dtype == np.float64 for column in columns):
        joined = np.concatenate(cast(list[NDArray[np.float64]], columns))
        return by_row(joined, len(columns))
    return _of_lists(columns) if all(type(column) is list for column in columns) else None


def _of_lists(columns: list[Column]) -> NDArray[np.float64] | None:
    values: list[Any] = list(chain.from_iterable(columns))
    kinds = set(map(type, values))
    if not kinds <= _KINDS:
        return None
    if int in kinds and any(type(value) is int and abs(value) >= EXACT_INTEGER for value in values):
        return None
    numbers = np.array(values, dtype=np.float64)  # None becomes NaN here
    return by_row(numbers, len(columns))


def one_column(column: Column, name: str, first_row: int) -> NDArray[Any]:
    """One column as numbers, shape (rows,); CellError names the first value that is none."""
    if isinstance(column, np.ndarray):
        if column.dtype.kind in "fb":
            return column
        if column.dtype.kind in "iu":
            _refuse_inexact(column, name, first_row)
            return column
    return _numbers_of(values_of(column), name, first_row)


def _numbers_of(values: Sequence[object], name: str, first_row: int) -> NDArray[np.float64]:
    kinds = set(map(type, values))
    if int in kinds or not kinds <= {float, bool, type(None)}:
        for row, value in enumerate(values):
            if (problem := number_problem(value)) is not None:
                raise CellError(
                    problem,
                    row=first_row + row,
                    column=name,
                    next_step="send a finite number, or null for a missing one",
                )
    return np.array(values, dtype=np.float64)  # None becomes NaN here


def _refuse_inexact(column: NDArray[Any], name: str, first_row: int) -> None:
    # Not np.abs: the most negative int64 has no positive counterpart.
    wrong = column > EXACT_INTEGER
    if column.dtype.kind == "i":
        wrong |= column < -EXACT_INTEGER
    if wrong.any():
        row = int(np.argmax(wrong))
        _numbers_of([int(column[row])], name, first_row + row)


def refuse_unmeasurable(numbers: NDArray[np.float64], names: Sequence[str], first_row: int) -> None:
    """Raises CellError for an infinity, or a number that no instrument measures."""
    sizes = np.abs(numbers)
    # Infinities are too large as well; NaN is no value, and fmax passes over it.
    if np.fmax.reduce(sizes, axis=None, initial=0.0) > LARGEST:
        row, position = (int(index) for index in np.argwhere(sizes > LARGEST)[0])
        raise CellError(
            f"{numbers[row, position]} is not a finite number within {LARGEST:g}",
            row=first_row + row,
            column=names[position],
            next_step="send a finite number, or null for a missing one",
        )
