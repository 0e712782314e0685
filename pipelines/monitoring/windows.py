"""The rows of a window, copied out of the log once: whatever is said of them can be said again.

Segments are read one after the other, whether they are closed or a server still appends to them,
and go through DuckDB into one Parquet file. Nothing here grows with the window but that file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.monitoring.columns import IS_SHADOW, VERSION, Expected, said
from pipelines.monitoring.spans import Window
from pipelines.predictions.layout import TIME, TIMESTAMP
from pipelines.predictions.read import batches

_MEMORY = "384MB"
_GROUP_BYTES = 16 << 20
_GROUP_ROWS = 1 << 16
# Requests of one server may be logged in another order than they came in, by their timeout at most.
_ORDER_SECONDS = 60.0


@dataclass(frozen=True)
class Frozen:
    """A window as a Parquet file with the columns of `Expected.frozen`.

    Attributes:
        path: the file; it is there also without a row.
        rows: how many.
        vanished: columns that some rows do not have, and how many rows.
        retyped: columns that came as another type, and which.
        turned_back_seconds: how far the clock of a server went back between two rows; 0 when it
            only went on.
    """

    path: Path
    rows: int
    vanished: dict[str, int]
    retyped: dict[str, str]
    turned_back_seconds: float


@dataclass
class _Noted:
    """What is seen of the log while it is read."""

    vanished: dict[str, int] = field(default_factory=dict)
    retyped: dict[str, str] = field(default_factory=dict)
    turned_back: int = 0  # microseconds


def opened(scratch: Path) -> duckdb.DuckDBPyConnection:
    """A DuckDB that spills into `scratch` when a question needs more memory than it is given."""
    connection = duckdb.connect(":memory:", config={"memory_limit": _MEMORY, "threads": 2})
    connection.execute("SET preserve_insertion_order = false")
    connection.execute(f"SET temp_directory = '{_quoted(scratch)}'")
    return connection


def freeze(log: Path, window: Window, expected: Expected, path: Path) -> Frozen:
    """Copy the window's answers: of its version, and given to somebody.

    Args:
        log: folder of the model's prediction log.
        window: which answers.
        expected: the columns that they should have; missing ones are null, and noted.
        path: the file to write.

    Raises:
        LogError: the log cannot be read.
    """
    noted = _Noted()
    schema = expected.frozen
    found = _rows(log, window, schema, noted)
    reader = pa.RecordBatchReader.from_batches(schema, found)
    with opened(path.parent) as connection:
        connection.register("answers", reader)
        copy_to(connection, "SELECT * FROM answers", path, row_bytes(schema))
    back = noted.turned_back / 1e6
    rows = pq.read_metadata(path).num_rows
    return Frozen(path, rows, noted.vanished, noted.retyped, back if back > _ORDER_SECONDS else 0.0)


def end_of_rows(log: Path, window: Window, rows: int, scratch: Path) -> tuple[datetime | None, int]:
    """Where a window of so many rows ends that begins with this one's `since`.

    Args:
        log: folder of the model's prediction log.
        window: ends when the answers are read.
        rows: how many are wanted.
        scratch: a folder for what does not fit into memory.

    Returns:
        The moment after its last row, or None where there are fewer, and how many there are.

    Raises:
        LogError: the log cannot be read.
    """
    schema = pa.schema([(TIME, TIMESTAMP)])
    found = _rows(log, window, schema, _Noted())
    with opened(scratch) as connection:
        connection.register("answers", pa.RecordBatchReader.from_batches(schema, found))
        times = connection.execute(
            "SELECT epoch_us(time) AS at FROM answers ORDER BY at LIMIT ?", [rows]
        ).fetchnumpy()["at"]
    if len(times) < rows:
        return None, len(times)
    last = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(times[-1]))
    return last + timedelta(microseconds=1), rows


def answers_after(log: Path, moment: datetime) -> int:
    """How many answers the log has that are later than a moment, whoever gave them.

    Raises:
        LogError: the log cannot be read.
    """
    if not log.exists():
        return 0
    return sum(batch.num_rows for batch in batches(log, since=moment, columns=[TIME]))


def copy_to(connection: duckdb.DuckDBPyConnection, query: str, path: Path, width: int) -> None:
    """Write what a query finds as Parquet, in row groups of bounded size."""
    rows = max(2048, min(_GROUP_ROWS, _GROUP_BYTES // width))
    target = f"'{_quoted(path)}' (FORMAT parquet, ROW_GROUP_SIZE {rows})"
    connection.execute(f"COPY ({query}) TO {target}")


def row_bytes(schema: pa.Schema) -> int:
    """About how many bytes a row takes in memory."""
    return sum(
        field.type.list_size * 8 if pa.types.is_fixed_size_list(field.type) else 16
        for field in schema
    )


def _rows(log: Path, window: Window, schema: pa.Schema, noted: _Noted) -> Iterator[pa.RecordBatch]:
    if not log.exists():
        return
    wanted = [*schema.names, VERSION, IS_SHADOW]
    for batch in batches(log, window.since, window.until, wanted):
        mine = pc.and_(
            pc.equal(batch.column(VERSION), window.version),
            pc.invert(batch.column(IS_SHADOW)),
        )
        rows = batch.filter(mine)
        if rows.num_rows:
            _note_clock(rows, noted)
            yield _fitted(rows, schema, noted)


def _note_clock(rows: pa.RecordBatch, noted: _Noted) -> None:
    # Within one batch only: the next one may be of another server, which has its own order.
    times = rows.column(TIME).cast(pa.int64()).to_numpy()
    noted.turned_back = max(noted.turned_back, int((np.maximum.accumulate(times) - times).max()))


def _fitted(rows: pa.RecordBatch, schema: pa.Schema, noted: _Noted) -> pa.RecordBatch:
    """The rows with exactly the columns of the schema; what does not fit is null, and noted."""
    columns = []
    for wanted in schema:
        place = rows.schema.get_field_index(wanted.name)
        if place < 0:
            name = said(wanted.name)
            noted.vanished[name] = noted.vanished.get(name, 0) + rows.num_rows
        elif rows.column(place).type == wanted.type:
            columns.append(rows.column(place))
            continue
        elif not pa.types.is_null(rows.column(place).type):
            noted.retyped[said(wanted.name)] = str(rows.column(place).type)
        columns.append(pa.nulls(rows.num_rows, wanted.type))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
