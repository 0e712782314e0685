"""Part good rows from bad ones; files keep their columns and types exactly."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.errors import DataError
from pipelines.validation.loading import Loaded, each_name_once
from pipelines.validation.results import Result

REASONS = "reasons"


def reasons_of(results: Iterable[Result]) -> dict[int, list[str]]:
    """Position of each row that is taken out, in order, and why, in the order of the rules."""
    reasons: dict[int, list[str]] = {}
    for result in results:
        for position in result.positions:
            reasons.setdefault(position, []).append(result.reason)
    return dict(sorted(reasons.items()))


def write_quarantined(table: Loaded, reasons: dict[int, list[str]], folder: Path) -> None:
    """Write the rows taken out as `NAME.parquet`, with a list column `reasons`.

    Always written, with the same columns, also without a row.

    Raises:
        DataError: the table has a column named `reasons` itself.
    """
    taken, begin = [], 0
    positions = np.fromiter(reasons, dtype=np.int64, count=len(reasons))
    for part in table.parts:
        if REASONS in part.schema.names:
            raise DataError(
                f"a column may not be named {REASONS!r}: quarantine adds one of that name",
                where=str(part.path),
                next_step="rename it in the dataset",
            )
        inside = positions[(positions >= begin) & (positions < begin + part.rows)]
        rows = each_name_once(pq.ParquetFile(part.path).read()).take(inside - begin)
        why = pa.array([reasons[position] for position in inside.tolist()], pa.list_(pa.string()))
        taken.append(_plain(rows).append_column(REASONS, why))
        begin += part.rows
    # Permissive: a column that one month lacks, or has retyped, is just what one comes to see.
    pq.write_table(_joined(taken), folder / f"{table.name}.parquet")


def write_kept(table: Loaded, reasons: dict[int, list[str]], folder: Path) -> None:
    """Write each part without the rows taken out, under its own name."""
    keep = np.ones(len(table.frame), dtype=bool)
    keep[np.fromiter(reasons, dtype=np.int64, count=len(reasons))] = False
    begin = 0
    for part in table.parts:
        rows = pq.ParquetFile(part.path).read().filter(pa.array(keep[begin : begin + part.rows]))
        pq.write_table(_plain(rows), folder / part.path.name)
        begin += part.rows


def _plain(table: pa.Table) -> pa.Table:
    # pandas stores the length of its index in the file, which is no longer true.
    return table.replace_schema_metadata(None)


def _joined(tables: list[pa.Table]) -> pa.Table:
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        # Text and numbers under one name have no common type but text. Nested types stay away.
        return pa.concat_tables([_as_text(table) for table in tables], promote_options="permissive")


def _as_text(table: pa.Table) -> pa.Table:
    for place, field in enumerate(table.schema):
        if field.name != REASONS and not pa.types.is_nested(field.type):
            column = table.column(place).cast(pa.string())
            table = table.set_column(place, field.name, column)
    return table
