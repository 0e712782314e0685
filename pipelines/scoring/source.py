"""Reading a file in batches: CSV and Parquet, only the columns that are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.errors import DataError
from pipelines.schema import Schema
from pipelines.scoring.csv_source import open_csv
from pipelines.scoring.header import require_columns

SUFFIXES = (".csv", ".parquet")
# Column chunks are read through buffers of this size instead of whole: a row group may be huge.
_BUFFER_BYTES = 1 << 20


@dataclass(frozen=True)
class Source:
    """A file that was found to be readable and to have the columns asked for.

    Attributes:
        rows: how many there are; None where only reading to the end would tell (CSV).
        kept: the types of the columns that are carried over to the output.
        batches: opens the file and yields its rows, at most `batch_rows` at a time.
    """

    rows: int | None
    kept: pa.Schema
    batches: Callable[[], Iterator[pa.RecordBatch]]


def open_source(path: Path, schema: Schema, keep: Sequence[str], batch_rows: int) -> Source:
    """Look at a file's type, columns and length.

    Raises:
        DataError: the file is missing, of an unknown type, empty, cut off or otherwise
            unreadable, or lacks columns (all of them are named).
    """
    if not path.is_file():
        problem = "is a folder, not a file" if path.is_dir() else "there is no such file"
        raise DataError(problem, where=str(path), next_step="name a .csv or .parquet file")
    wanted = list(dict.fromkeys((*schema.features, *keep)))
    if path.suffix.lower() == ".csv":
        return Source(*open_csv(path, schema, wanted, keep, batch_rows))
    if path.suffix.lower() == ".parquet":
        return _open_parquet(path, wanted, keep, batch_rows)
    raise DataError(
        f"unknown file type {path.suffix!r}; known are {', '.join(SUFFIXES)}",
        where=str(path),
        next_step="convert it, or give it the suffix of what it is",
    )


def _open_parquet(path: Path, wanted: list[str], keep: Sequence[str], batch_rows: int) -> Source:
    try:
        with pq.ParquetFile(path) as file:
            rows, columns = file.metadata.num_rows, file.schema_arrow
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, error) from error
    require_columns(path, columns.names, wanted)
    if rows == 0:
        raise DataError("there are no rows", where=str(path), next_step="give it some")

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            with pq.ParquetFile(path, buffer_size=_BUFFER_BYTES, pre_buffer=False) as file:
                yield from file.iter_batches(batch_rows, columns=wanted)
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(path, error) from error

    return Source(rows, pa.schema([columns.field(name) for name in keep]), batches)


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(
        f"not readable as Parquet: {error}",
        where=str(path),
        next_step="it may be cut off: write or copy it again",
    )
