"""Arrow tables as the columns that `encode_columns` takes, copying as little as possible.

Outside `serving` because a model server has no Arrow. Everything that reads Parquet or CSV in
order to score it (batch scoring, the proof of a bento) comes through here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.errors import CellError
from pipelines.inference.coded import Coded, Column
from pipelines.inference.encode import Tensors, encode_columns
from pipelines.schema import Schema


def encode_batch(schema: Schema, batch: pa.RecordBatch, first_row: int = 0) -> Tensors:
    """Encode the features of an Arrow batch; its other columns are not looked at.

    Args:
        schema: which columns, and in which order.
        batch: numeric features as integers, floats, booleans or decimals; categories as strings
            or dictionaries of strings. A column of nothing but nulls passes as either.
        first_row: the row number of the batch's first row, for errors.

    Raises:
        CellError: as `encode_columns`, or a column's type is of neither kind.
    """
    present = set(batch.schema.names)
    columns: dict[str, Column] = {}
    for name in schema.numbers:
        if name in present:
            columns[name] = _numbers(batch.column(name), name, first_row)
    for name in schema.categories:
        if name in present:
            columns[name] = _categories(batch.column(name), name, first_row)
    return encode_columns(schema, columns, first_row)


def _numbers(column: pa.Array, name: str, first_row: int) -> Column:
    kind = column.type
    if column.null_count == len(column):  # a column of nulls may have been given any type
        return np.full(len(column), np.nan)
    if pa.types.is_decimal(kind) or pa.types.is_boolean(kind):
        return _to_numpy(column.cast(pa.float64()))
    if pa.types.is_floating(kind) or (pa.types.is_integer(kind) and not column.null_count):
        return _to_numpy(column)
    if pa.types.is_integer(kind):
        try:
            return _to_numpy(column.cast(pa.float64(), safe=True))
        except pa.ArrowInvalid:  # beyond 2**53: `encode_columns` finds the row and says so
            return column.to_pylist()
    raise _wrong_kind(column, name, first_row, "a number")


def _categories(column: pa.Array, name: str, first_row: int) -> Coded:
    if column.null_count == len(column):
        return Coded(np.empty(0, dtype=np.object_), np.full(len(column), -1))
    if not pa.types.is_dictionary(column.type):
        if not _is_text(column.type):
            raise _wrong_kind(column, name, first_row, "a string")
        # One Python object per distinct string: one per row was most of the cost of a batch.
        column = column.cast(pa.large_string()).dictionary_encode()
    elif not _is_text(column.type.value_type):
        raise _wrong_kind(column, name, first_row, "a string")
    codes = pc.fill_null(column.indices.cast(pa.int64()), -1)
    return Coded(_to_numpy(column.dictionary), _to_numpy(codes))


def _to_numpy(column: pa.Array) -> NDArray[Any]:
    return column.to_numpy(zero_copy_only=False)


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _wrong_kind(column: pa.Array, name: str, first_row: int, wanted: str) -> CellError:
    row = int(pc.index(column.is_valid(), True).as_py())
    return CellError(
        f"{repr(column[row].as_py())[:40]} (type {column.type}) is not {wanted}",
        row=first_row + row,
        column=name,
        next_step=f"give {wanted} or nothing in each row of the column",
    )
