"""Which columns a file has, and whether they are those that are needed."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Sequence
from pathlib import Path

from pipelines.errors import DataError

_HEADER_BYTES = 1 << 20
_BLOCK_BYTES = 1 << 20


def require_columns(path: Path, present: Sequence[str], wanted: Sequence[str]) -> None:
    """Refuse a file that lacks columns, or in which a name stands for two of them.

    Raises:
        DataError: names every such column.
    """
    missing = [name for name in wanted if name not in present]
    if missing:
        raise DataError(
            f"lacks the columns {', '.join(missing)}; it has {', '.join(present)}",
            where=str(path),
            next_step="add the columns; an empty value says that it is not known",
        )
    doubled = [name for name in wanted if list(present).count(name) > 1]
    if doubled:
        raise DataError(
            f"has more than one column of the name {', '.join(doubled)}",
            where=str(path),
            next_step="rename or remove all but one",
        )


def read_csv_header(path: Path) -> list[str]:
    """The names in the first line of a CSV file.

    Raises:
        DataError: the file is empty, or the line is not UTF-8.
    """
    with path.open("rb") as file:
        start = file.read(_HEADER_BYTES)
    if not start.strip():
        raise DataError("the file is empty", where=str(path), next_step="give it a header and rows")
    try:
        # Only the first line is looked at; a character that the cut may split is far behind it.
        text = start.split(b"\n", 1)[0].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise not_utf8(path, "its header is not UTF-8") from error
    return next(csv.reader([text.rstrip("\r")]), [])


def not_utf8(path: Path, problem: str) -> DataError:
    """The error for bytes that are no text: where the first is, and the way to make them text."""
    found = _first_undecodable(path)
    if found is not None:
        byte, offset, line = found
        problem += f"; the first byte that is not: 0x{byte:02x} at offset {offset}, line {line}"
    return DataError(
        problem,
        where=str(path),
        next_step="convert the file, for example `iconv -f latin1 -t utf-8`",
    )


def _first_undecodable(path: Path) -> tuple[int, int, int] | None:
    """The first byte that is not UTF-8: its value, offset (from 0) and line (from 1)."""
    offset, line, carried = 0, 1, b""
    with path.open("rb") as file:
        while True:
            read = file.read(_BLOCK_BYTES)
            block = carried + read
            try:
                # Not final: the last character of a block may go on in the next one.
                _, used = codecs.utf_8_decode(block, "strict", not read)
            except UnicodeDecodeError as error:
                line += block.count(b"\n", 0, error.start)
                return block[error.start], offset + error.start, line
            if not read:
                return None
            line += block.count(b"\n", 0, used)
            offset, carried = offset + used, block[used:]
