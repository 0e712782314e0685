"""Reading CSV in batches, with errors that name row and column.

The file is UTF-8 with a header, commas between values and double quotes around those that need
them. In a numeric column an empty field, NA, NaN, null and their like are missing numbers; in a
category column only the empty field is missing, because NA may well be a carrier or a country.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
from pyarrow import csv as arrow_csv

from pipelines.errors import CellError, DataError
from pipelines.schema import Schema
from pipelines.scoring.header import not_utf8, read_csv_header, require_columns

MISSING_NUMBERS = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"]
# Arrow reads some 32 blocks ahead, however large: with 8 MB each, 10 million rows took 2.4 GB.
_BLOCK_BYTES = 1 << 20
_SHOWN = 200
_COLUMN = re.compile(r"In CSV column #(\d+): (.*)", re.DOTALL)
_ROW = re.compile(r"Row #(\d+): (.*)", re.DOTALL)

Batches = Callable[[], Iterator[pa.RecordBatch]]


def open_csv(
    path: Path, schema: Schema, wanted: list[str], keep: Sequence[str], batch_rows: int
) -> tuple[None, pa.Schema, Batches]:
    """As `pipelines.scoring.source.open_source`; columns that are kept only are kept as text."""
    header = read_csv_header(path)
    require_columns(path, header, wanted)
    types = {name: pa.float64() if name in schema.numbers else pa.string() for name in wanted}

    def batches() -> Iterator[pa.RecordBatch]:
        is_empty = True
        try:
            for block in _read(path, types, use_threads=True):
                for start in range(0, block.num_rows, batch_rows):
                    is_empty = False
                    yield block.slice(start, batch_rows)
            _require_closed_quotes(path)
        except (pa.ArrowException, OSError) as error:
            raise _explain(path, types, header, error) from error
        if is_empty:
            raise DataError("there are no rows", where=str(path), next_step="give it some")

    return None, pa.schema([(name, types[name]) for name in keep]), batches


def _read(path: Path, types: dict[str, pa.DataType], use_threads: bool) -> Iterator[pa.RecordBatch]:
    # By its path, never as a Python file: Arrow reads ahead on threads of its own, and one that
    # still waits for the interpreter when that ends aborts the process instead of letting it exit.
    yield from arrow_csv.open_csv(
        str(path),
        read_options=arrow_csv.ReadOptions(block_size=_BLOCK_BYTES, use_threads=use_threads),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(
            include_columns=list(types),
            column_types=types,
            null_values=MISSING_NUMBERS,
            strings_can_be_null=False,
        ),
    )


def _require_closed_quotes(path: Path) -> None:
    """Refuse a file with an odd number of quotes.

    Arrow lets a value whose quote is never closed go on to the end of the file, and all the rows
    in it would be lost without a word.
    """
    quotes = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            quotes += block.count(b'"')
    if quotes % 2:
        raise DataError(
            "a quote is opened and never closed",
            where=str(path),
            next_step="the file may be cut off: write it again; a quote in a value is doubled",
        )


def _explain(
    path: Path, types: dict[str, pa.DataType], header: list[str], error: Exception
) -> DataError:
    """Name row and column. Arrow tells the row only to a reader without threads: read again."""
    try:
        for _ in _read(path, types, use_threads=False):
            pass
    except (pa.ArrowException, OSError) as again:
        error = again
    found = _COLUMN.match(str(error))
    column = header[int(found[1])] if found else None
    problem = found[2] if found else str(error).removeprefix("CSV parse error: ")
    counted = _ROW.match(problem)
    if counted:
        problem = counted[2]
    if "UTF8" in problem:
        return not_utf8(path, f"column {column!r} is not UTF-8")
    return CellError(
        problem[:_SHOWN],  # it quotes the row, which may be a megabyte
        # Arrow counts lines from 1, the header being the first.
        row=int(counted[1]) - 2 if counted else None,
        column=column,
        next_step=f"mend the row in {path}",
    )
