"""From columns or rows to the two tensors of a model's graph: the only feature code there is.

Training, batch scoring and the service all come through here, so a value means the same thing
in each of them. What a value may be:

| value                        | in a numeric column                  | in a category column |
|------------------------------|--------------------------------------|----------------------|
| None, NaN                    | NaN (missing)                        | "" (missing)         |
| an integer, a float          | itself                               | refused              |
| an integer beyond +-2**53    | refused: float64 would change it     | refused              |
| an infinity, beyond +-1e30   | refused: no training row had one     | refused              |
| True, False                  | 1, 0                                 | refused              |
| a string, even "12" or "NaN" | refused: guessing hides a broken client | itself            |
| anything else                | refused                              | refused              |

Numbers are refused as categories because 1, 1.0 and "1" would be three categories or one,
depending on who sends them. A missing *column* is never a missing value: it is refused, too.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipelines.errors import CellError
from pipelines.inference.cells import (
    EXACT_INTEGER,
    LARGEST,
    category_problem,
    is_encodable,
    number_problem,
)
from pipelines.schema import CATEGORIES, MISSING_CATEGORY, NUMBERS, Schema

Tensors = dict[str, NDArray[Any]]
_NUMBERS = {float, int, bool, type(None)}
_STRINGS = {str, type(None)}


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


def encode_rows(schema: Schema, rows: Sequence[Mapping[str, object]]) -> Tensors:
    """Encode rows that name their columns.

    Returns:
        `numbers`: float64, rows x len(schema.numbers); `categories`: object (str), rows x
        len(schema.categories). Either is absent when the schema has no such columns.

    Raises:
        CellError: there are no rows, a row lacks a column or has one that the model does not
            know, or a value cannot be used; names the row and the column.
    """
    known = set(schema.features)
    for index, row in enumerate(rows):
        if row.keys() != known:
            raise _wrong_columns(row, schema, index)
    return encode_columns(schema, {name: [row[name] for row in rows] for name in schema.features})


def encode_columns(schema: Schema, columns: Mapping[str, Column], first_row: int = 0) -> Tensors:
    """Encode whole columns; those that the schema does not name are not looked at.

    Args:
        schema: which columns, and in which order.
        columns: by name: an array of a numeric, boolean, string or object type, a `Coded`, or a
            list; all of one length.
        first_row: added to row numbers in errors, for columns that are one batch of many.

    Returns:
        As `encode_rows`.

    Raises:
        CellError: as `encode_rows`, or the columns differ in length.
    """
    rows = _common_length(schema, columns)
    tensors: Tensors = {}
    if schema.numbers:
        numbers = _numbers_at_once([columns[name] for name in schema.numbers])
        if numbers is None:
            numbers = np.empty((rows, len(schema.numbers)), dtype=np.float64)
            for position, name in enumerate(schema.numbers):
                numbers[:, position] = _number_column(columns[name], name, first_row)
        _refuse_unmeasurable(numbers, schema.numbers, first_row)
        tensors[NUMBERS] = numbers
    if schema.categories:
        categories = _categories_at_once([columns[name] for name in schema.categories])
        if categories is None:
            categories = np.empty((rows, len(schema.categories)), dtype=np.object_)
            for position, name in enumerate(schema.categories):
                categories[:, position] = _category_column(columns[name], name, first_row)
        tensors[CATEGORIES] = categories
    return tensors


def _numbers_at_once(columns: list[Column]) -> NDArray[np.float64] | None:
    """All numeric columns of a request as one array, or None if they have to be looked at.

    For a few rows, going from column to column costs more than the model does.
    """
    if not all(type(column) is list for column in columns):
        return None
    kinds = set(map(type, chain.from_iterable(columns)))
    if not kinds <= _NUMBERS:
        return None
    try:
        numbers = np.array(columns, dtype=np.float64).T  # None becomes NaN here
    except OverflowError:  # an integer of hundreds of digits
        return None
    if int in kinds and (np.abs(numbers) >= EXACT_INTEGER).any():
        return None
    return np.ascontiguousarray(numbers)


def _categories_at_once(columns: list[Column]) -> NDArray[np.object_] | None:
    """As `_numbers_at_once`, of the categories."""
    if not all(type(column) is list for column in columns):
        return None
    kinds = set(map(type, chain.from_iterable(columns)))
    if not kinds <= _STRINGS or not is_encodable(chain.from_iterable(columns)):
        return None
    if type(None) in kinds:
        columns = [[value or MISSING_CATEGORY for value in column] for column in columns]
    categories = np.empty((len(columns[0]), len(columns)), dtype=np.object_)
    categories.T[:] = columns
    return categories


def encode_matrix(schema: Schema, values: NDArray[Any] | Sequence[object], rows: int) -> Tensors:
    """Encode numbers that lie row by row, each row in the order of `schema.numbers`.

    Args:
        schema: of a model without categories.
        values: rows x len(schema.numbers) of them, flat.
        rows: how many rows there are.

    Raises:
        CellError: a value cannot be used.
    """
    width = len(schema.numbers)
    try:
        flat = _number_column(values, "", 0)
    except CellError as error:
        assert error.row is not None  # its place, for this one long column
        row, place = divmod(error.row, width)
        raise CellError(
            error.problem, row=row, column=schema.numbers[place], next_step=error.next_step
        ) from None
    numbers = flat.astype(np.float64).reshape(rows, width)
    _refuse_unmeasurable(numbers, schema.numbers, 0)
    return {NUMBERS: numbers}


def _common_length(schema: Schema, columns: Mapping[str, Column]) -> int:
    rows = None
    for name in schema.features:
        if name not in columns:
            raise CellError(
                "the column is missing",
                row=None,
                column=name,
                next_step=f"give all of: {', '.join(schema.features)}",
            )
        if rows is None:
            rows = len(columns[name])
        elif len(columns[name]) != rows:
            raise CellError(
                f"has {len(columns[name])} rows where {schema.features[0]!r} has {rows}",
                row=None,
                column=name,
                next_step="give columns of one length",
            )
    if not rows:
        raise CellError(
            "there are no rows", row=None, column=None, next_step="give at least one row"
        )
    return rows


def _wrong_columns(row: Mapping[str, object], schema: Schema, index: int) -> CellError:
    for name in schema.features:
        if name not in row:
            return CellError(
                "the column is missing",
                row=index,
                column=name,
                next_step="send the column; null says that its value is not known",
            )
    return unknown_column(
        next(name for name in row if name not in schema.features), schema.features, index
    )


def unknown_column(name: str, known: Sequence[str], row: int | None = None) -> CellError:
    """The error of a column that the model does not have, with the one that may be meant."""
    near = difflib.get_close_matches(name, known, n=1)
    return CellError(
        f"the model has no such column{f'; did you mean {near[0]!r}?' if near else ''}",
        row=row,
        column=name[:80],
        next_step=f"send exactly: {', '.join(known)}",
    )


def _number_column(column: Column, name: str, first_row: int) -> NDArray[Any]:
    if isinstance(column, np.ndarray):
        if column.dtype.kind in "fb":
            return column
        if column.dtype.kind in "iu":
            _refuse_inexact(column, name, first_row)
            return column
    return _numbers_of(_values(column), name, first_row)


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


def _refuse_unmeasurable(
    numbers: NDArray[np.float64], names: Sequence[str], first_row: int
) -> None:
    wrong = np.abs(numbers) > LARGEST  # infinities too; NaN is no value, and compares as false
    if wrong.any():
        row, position = (int(index) for index in np.argwhere(wrong)[0])
        raise CellError(
            f"{numbers[row, position]} is not a finite number within {LARGEST:g}",
            row=first_row + row,
            column=names[position],
            next_step="send a finite number, or null for a missing one",
        )


def _category_column(column: Column, name: str, first_row: int) -> NDArray[np.object_]:
    if not isinstance(column, Coded):
        values = _values(column)
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
    for row, value in enumerate(_values(column)):
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


def _values(column: Column) -> Sequence[object]:
    if isinstance(column, Coded):
        return [None if code < 0 else column.values[code] for code in column.codes]
    return column.tolist() if isinstance(column, np.ndarray) else column
