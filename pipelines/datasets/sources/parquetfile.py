"""Read a Parquet file, and say what is wrong with one that cannot be read."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.errors import DataError, SourceError


def read(path: Path, *, where: str) -> pa.Table:
    """The whole file.

    Raises:
        SourceError: empty, half-written, or not Parquet.
        DataError: two columns share a name.
    """
    if path.stat().st_size == 0:
        raise SourceError(
            "the file is empty", where=where, next_step="write it again, or leave it out"
        )
    try:
        # ParquetFile, not read_table: that one reads columns out of folder names like `year=2013`.
        table = pq.ParquetFile(path).read()
    except (pa.ArrowException, OSError) as error:
        raise SourceError(
            f"not a whole Parquet file: {' '.join(str(error).split())[:200]}",
            where=where,
            next_step="write it again: to another name, then rename it, so that half is never seen",
        ) from error
    twice = [name for name, times in Counter(table.column_names).items() if times > 1]
    if twice:
        raise DataError(
            f"more than one column is named {', '.join(map(repr, twice))}",
            where=where,
            next_step="rename or drop one of them where the file is made",
        )
    return table
