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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.errors import CellError
from pipelines.inference import categories, numbers
from pipelines.inference.coded import Column, Columns
from pipelines.schema import CATEGORIES, NUMBERS, Schema

Tensors = dict[str, NDArray[Any]]


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
    _require_one_length(schema, columns)
    return encode_known(
        schema,
        [columns[name] for name in schema.numbers],
        [columns[name] for name in schema.categories],
        first_row,
    )


def encode_known(schema: Schema, measured: Columns, named: Columns, first_row: int = 0) -> Tensors:
    """As `encode_columns`, for columns in the schema's order that are seen to be of one length.

    Args:
        schema: which columns they are.
        measured: those of `schema.numbers`.
        named: those of `schema.categories`.
        first_row: added to row numbers in errors.

    Raises:
        CellError: a value cannot be used.
    """
    tensors: Tensors = {}
    if len(measured):
        values = numbers.at_once(measured)
        if values is None:
            values = np.empty((len(measured[0]), len(measured)), dtype=np.float64)
            for place, name in enumerate(schema.numbers):
                values[:, place] = numbers.one_column(measured[place], name, first_row)
        numbers.refuse_unmeasurable(values, schema.numbers, first_row)
        tensors[NUMBERS] = values
    if len(named):
        strings = categories.at_once(named)
        if strings is None:
            strings = np.empty((len(named[0]), len(named)), dtype=np.object_)
            for place, name in enumerate(schema.categories):
                strings[:, place] = categories.one_column(named[place], name, first_row)
        tensors[CATEGORIES] = strings
    return tensors


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
        flat = numbers.one_column(values, "", 0)
    except CellError as error:
        assert error.row is not None  # its place, for this one long column
        row, place = divmod(error.row, width)
        raise CellError(
            error.problem, row=row, column=schema.numbers[place], next_step=error.next_step
        ) from None
    measured = flat.astype(np.float64).reshape(rows, width)
    numbers.refuse_unmeasurable(measured, schema.numbers, 0)
    return {NUMBERS: measured}


def _require_one_length(schema: Schema, columns: Mapping[str, Column]) -> None:
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
    name = name[:80]  # looking for one that is near takes long for a long one
    near = difflib.get_close_matches(name, known, n=1)
    return CellError(
        f"the model has no such column{f'; did you mean {near[0]!r}?' if near else ''}",
        row=row,
        column=name,
        next_step=f"send exactly: {', '.join(known)}",
    )
