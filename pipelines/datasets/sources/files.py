"""Read one local file of a format that is told by its name."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pandas as pd
import pyarrow as pa

from pipelines.datasets.sources import csvfile, parquetfile
from pipelines.errors import SourceError

CSV = (".csv", ".csv.gz", ".csv.zip", ".zip")
PARQUET = (".parquet", ".pq")


def check_name(name: str, *, where: str) -> None:
    """Refuse a file whose format its name does not tell.

    Raises:
        SourceError: the extension is not one of `CSV` and `PARQUET`.
    """
    if not name.lower().endswith(CSV + PARQUET):
        raise SourceError(
            f"unsupported file type {Path(name).suffix or name!r}; "
            f"allowed: {', '.join(CSV + PARQUET)}",
            where=where,
            next_step="name CSV or Parquet files, or convert this one",
        )


def read_file(path: Path, *, text: Collection[str] = (), where: str | None = None) -> pd.DataFrame:
    """The rows of one CSV or Parquet file, with at least one row.

    Args:
        path: a local file.
        text: columns of a CSV to keep as strings as they are written, so that 007 stays 007.
        where: what to call the file in messages, if not by its path.

    Raises:
        SourceError: the file is missing, empty, damaged, or of a type that is not supported.
        DataError: its header or its lines do not make a table.
    """
    where = where or str(path)
    check_name(path.name, where=where)
    if not path.is_file():
        raise SourceError(
            "there is no such file", where=where, next_step="check the path in ingest.source"
        )
    if path.name.lower().endswith(PARQUET):
        table = parquetfile.read(path, where=where)
    else:
        table = csvfile.read(path, text=text, where=where)
    if table.num_rows == 0:
        raise SourceError(
            "the file has columns and no rows",
            where=where,
            next_step="wait until it is written in full, or leave it out of ingest.source",
        )
    return to_pandas(table)


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """A frame with a plain index; days become timestamps, because pandas has no day type."""
    frame: pd.DataFrame = table.to_pandas(
        date_as_object=False, ignore_metadata=True, self_destruct=True, split_blocks=True
    )
    return frame
