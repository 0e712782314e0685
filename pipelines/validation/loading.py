"""Read the tables that ingest wrote: the frame that rules see, and the files it came from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.errors import DataError
from pipelines.validation.results import ROWS

TABLES = "tables"


@dataclass(frozen=True)
class Part:
    """One Parquet file of a table, as it is on disk."""

    path: Path
    schema: pa.Schema
    rows: int

    @property
    def name(self) -> str:
        return self.path.stem


@dataclass(frozen=True)
class Loaded:
    """A table: its parts in order, and all their rows in one frame, numbered from 0."""

    name: str
    parts: tuple[Part, ...]
    frame: pd.DataFrame


def load(raw: Path) -> list[Loaded]:
    """The rows, and each side table, below `raw`.

    Raises:
        DataError: there is no partition, or a file is not whole.
    """
    partitions = sorted(raw.glob("*.parquet"))
    if not partitions:
        raise DataError(
            "there is no partition",
            where=str(raw),
            next_step="run the stage ingest first (`dvc repro ingest@MODEL`)",
        )
    tables = sorted((raw / TABLES).glob("*.parquet"))
    if any(path.stem == ROWS for path in tables):
        raise DataError(
            f"a side table may not be named {ROWS!r}: so is the table of the partitions",
            where=str(raw / TABLES),
            next_step="rename it in the dataset",
        )
    return [_load(ROWS, partitions), *(_load(path.stem, [path]) for path in tables)]


def _load(name: str, paths: list[Path]) -> Loaded:
    parts, tables = [], []
    for path in paths:
        try:
            table = pq.ParquetFile(path).read()
        except (pa.ArrowException, OSError) as error:
            raise DataError(
                f"not a whole Parquet file: {error}",
                where=str(path),
                next_step="run the stage ingest again, or `dvc checkout`",
            ) from error
        parts.append(Part(path, table.schema, table.num_rows))
        tables.append(each_name_once(table))
    return Loaded(name, tuple(parts), _together(tables))


def each_name_once(table: pa.Table) -> pa.Table:
    """The table without the second of two columns that share a name."""
    # A rule of its own refuses such a file; the other rules go on.
    names = table.column_names
    return table.select([place for place, name in enumerate(names) if names.index(name) == place])


def _together(tables: list[pa.Table]) -> pd.DataFrame:
    try:
        # Arrow gives a month without any value the type of the other months.
        whole = pa.concat_tables(tables, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        # A retyped column: pandas keeps both types, and the rules say where they are.
        return pd.concat([_frame(table) for table in tables], ignore_index=True)
    return _frame(whole)


def _frame(table: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas(date_as_object=False, ignore_metadata=True)
    return frame
