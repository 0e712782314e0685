"""Read a CSV file strictly: what pandas would mend in silence is an error here.

pandas renames the second of two equal headers, fills short lines up with nulls, and reads the
country NA as nothing. Arrow's reader refuses ragged lines and keeps NA in text columns; the
header, the encoding and open quotes are checked here before it begins.
"""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
import zlib
from collections import Counter
from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from pipelines.errors import DataError, SourceError

_BOM = b"\xef\xbb\xbf"
_OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "pipes"}
_LARGEST_BLOCK = 2**31 - 2


def read(path: Path, *, text: Collection[str], where: str) -> pa.Table:
    """The whole file as a table.

    A column's type is inferred from all of its values: whole numbers, decimals, true/false,
    ISO 8601 days and timestamps, else text. Empty cells, NA and NaN are null in all but text
    columns, where NA stays "NA" and an empty cell is "".

    Args:
        path: `.csv`, `.csv.gz`, or a `.zip` that holds one file.
        text: columns not to infer a type for.
        where: what to call the file in messages.

    Raises:
        SourceError: empty or damaged, or not UTF-8.
        DataError: the header or a line does not fit.
    """
    content = _decompressed(path, where=where)
    _check_encoding(content, where=where)
    header = _header(content, where=where)
    _check_header(header, where=where)
    _check_quotes(content, where=where)
    try:
        return pyarrow.csv.read_csv(
            io.BytesIO(content),
            # One block: types are inferred from the first block only, and then held to.
            read_options=pyarrow.csv.ReadOptions(
                use_threads=False, block_size=min(len(content) + 1, _LARGEST_BLOCK)
            ),
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types={name: pa.string() for name in text if name in header}
            ),
        )
    except pa.ArrowInvalid as error:
        raise DataError(
            f"{' '.join(str(error).split())[:300]}",
            where=where,
            next_step="mend the line named; each needs as many fields as the header has "
            f"({len(header)})",
        ) from error


def _decompressed(path: Path, *, where: str) -> bytes:
    name = path.name.lower()
    try:
        if name.endswith(".gz"):
            content = gzip.decompress(path.read_bytes())
        elif name.endswith(".zip"):
            content = _only_member(path, where=where)
        else:
            content = path.read_bytes()
    except (zipfile.BadZipFile, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise SourceError(
            f"the archive is damaged or half-written: {error}",
            where=where,
            next_step="fetch or write it again",
        ) from error
    if not content.removeprefix(_BOM).strip():
        raise SourceError(
            "the file is empty", where=where, next_step="write it again, or leave it out"
        )
    return content


def _only_member(path: Path, *, where: str) -> bytes:
    with zipfile.ZipFile(path) as archive:
        members = [
            item
            for item in archive.namelist()
            if not item.endswith("/") and not item.startswith("__MACOSX/")
        ]
        if len(members) != 1:
            raise SourceError(
                f"the archive holds {len(members)} files, not one: {', '.join(members[:5])}",
                where=where,
                next_step="pack each CSV file into an archive of its own",
            )
        return archive.read(members[0])


def _check_encoding(content: bytes, *, where: str) -> None:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        kind = " (it begins like UTF-16)" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else ""
        raise SourceError(
            f"not UTF-8: byte 0x{content[error.start]:02x} at offset {error.start}, "
            f"line {line}{kind}",
            where=where,
            next_step="convert it, for example `iconv -f WINDOWS-1252 -t UTF-8 IN > OUT`",
        ) from None


def _header(content: bytes, *, where: str) -> list[str]:
    lines = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="")
    try:
        return next(row for row in csv.reader(lines) if row)
    except csv.Error as error:
        raise DataError(
            f"the header is not CSV: {error}", where=where, next_step="mend the first line"
        ) from error


def _check_header(header: list[str], *, where: str) -> None:
    if len(header) == 1:
        seen = [word for mark, word in _OTHER_DELIMITERS.items() if mark in header[0]]
        raise DataError(
            f"only one column, {header[0][:80]!r}"
            + (f"; it looks delimited by {seen[0]}" if seen else ""),
            where=where,
            next_step="delimit the columns by commas",
        )
    unnamed = [str(place) for place, name in enumerate(header, 1) if not name.strip()]
    if unnamed:
        raise DataError(
            f"column {', '.join(unnamed)} has no name in the header",
            where=where,
            next_step="name it or drop it; pandas writes such a column unless told index=False",
        )
    twice = [name for name, times in Counter(header).items() if times > 1]
    if twice:
        raise DataError(
            f"more than one column is named {', '.join(map(repr, twice))}",
            where=where,
            next_step="rename or drop one of them where the file is made",
        )


def _check_quotes(content: bytes, *, where: str) -> None:
    # A quote that is never closed swallows every later line into one cell. Only an odd number of
    # quotes can leave one open, so that most files are spared the slow pass.
    if content.count(b'"') % 2 == 0:
        return
    lines = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="")
    reader = csv.reader(lines, strict=True)
    begun = 1
    try:
        for _ in reader:
            begun = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"line {begun}: {error}",
            where=where,
            next_step='close the quote on that line (a quote inside a field is written "")',
        ) from error
