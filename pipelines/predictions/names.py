"""What the files of a log are called, and what their names tell.

    20261122T035006123456-8b1f06c2d9a47e52.arrows      a writer appends to it, or died
    20261122T035006123401-20261122T040502000312-8b1f06c2d9a47e52.parquet
                                                       closed, between these two times
    20261122T035006123456-8b1f06c2d9a47e52.torn        bytes that no batch could be read from

The last part is drawn at random for each segment, and is what its files have in common: where
both a Parquet file and a stream file of one segment are there, a writer was killed between the
two, and the Parquet file has all the rows. Files with other names are not of the log.
"""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

STREAM = ".arrows"
PARQUET = ".parquet"
TORN = ".torn"
_ID = "[0-9a-f]{16}"
_TIME = "[0-9]{8}T[0-9]{12}"
_STREAM_NAME = re.compile(rf"{_TIME}-({_ID}){re.escape(STREAM)}")
_PARQUET_NAME = re.compile(rf"({_TIME})-({_TIME})-({_ID}){re.escape(PARQUET)}")
_FORMAT = "%Y%m%dT%H%M%S%f"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def new_stream(folder: Path) -> Path:
    """A name for a new segment: of no other segment, of no other process, of no earlier start."""
    return folder / f"{datetime.now(UTC):{_FORMAT}}-{secrets.token_hex(8)}{STREAM}"


def closed(stream: Path, first_us: int, last_us: int) -> Path:
    """The Parquet file of a stream file whose rows lie between two Unix times in microseconds."""
    return stream.with_name(f"{_written(first_us)}-{_written(last_us)}-{segment(stream)}{PARQUET}")


def segment(path: Path) -> str:
    """The part of the name that all files of a segment share."""
    return path.stem.rpartition("-")[2]


def streams(folder: Path) -> list[Path]:
    """Stream files, oldest first."""
    return sorted(path for path in folder.iterdir() if _STREAM_NAME.fullmatch(path.name))


def parquets(folder: Path) -> list[Path]:
    """Closed segments, by their first time."""
    return sorted(path for path in folder.iterdir() if _PARQUET_NAME.fullmatch(path.name))


def window(path: Path) -> tuple[datetime, datetime] | None:
    """The times of the first and the last row in a closed segment; None of an open one."""
    found = _PARQUET_NAME.fullmatch(path.name)
    return (_read(found[1]), _read(found[2])) if found else None


def _written(microseconds: int) -> str:
    return f"{_EPOCH + timedelta(microseconds=microseconds):{_FORMAT}}"


def _read(text: str) -> datetime:
    return datetime.strptime(text, _FORMAT).replace(tzinfo=UTC)
