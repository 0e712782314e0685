"""Writing the answers: all of them under the final name, or no file at all."""

from __future__ import annotations

import fcntl
import glob
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv as arrow_csv

from pipelines.errors import DataError

SUFFIXES = (".csv", ".parquet")


@contextmanager
def writing(out: Path, schema: pa.Schema) -> Iterator[Any]:
    """Yield a writer with `write_batch`; on a clean exit the file appears, whole and on disk.

    The rows go to a hidden file in the same folder, which is removed on any error, and by the
    next call for the same `out` if the process was killed. An `out` that exists is replaced, and
    stays as it was until then.

    Raises:
        DataError: the folder is missing, the type is unknown, or the disk is full or faulty.
    """
    check_target(out)
    partial = out.with_name(f".{out.name}.{uuid.uuid4().hex[:12]}.partial")
    try:
        with partial.open("xb") as file:
            # In this order: our own file is locked by the time that we look for those that are not.
            _lock(file)
            _remove_leftovers(out)
            with _writer(out, file, schema) as writer:
                yield writer
            file.flush()
            os.fsync(file.fileno())
        partial.replace(out)
        _sync_folder(out.parent)
    except OSError as error:
        raise DataError(
            f"cannot write: {error.strerror or error}",
            where=str(out),
            next_step="free some disk space, or write to another folder",
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def check_target(out: Path) -> None:
    """Refuse what cannot be written before anything is computed.

    Raises:
        DataError: as `writing`.
    """
    if out.suffix.lower() not in SUFFIXES:
        raise DataError(
            f"unknown file type {out.suffix!r}; known are {', '.join(SUFFIXES)}",
            where=str(out),
            next_step="give the output one of these suffixes",
        )
    if not out.parent.is_dir():
        raise DataError(
            "the folder does not exist", where=str(out.parent), next_step="create it first"
        )
    if out.is_dir():
        raise DataError("is a folder", where=str(out), next_step="name a file in it")


def _remove_leftovers(out: Path) -> None:
    """Remove what killed processes left beside `out`.

    Whoever writes such a file holds a lock on it, and the kernel lets go of the lock when the
    process is gone, however it went. A process id would not do: it is used again, and in another
    container it means another process.
    """
    for left in out.parent.glob(f".{glob.escape(out.name)}.*.partial"):
        with suppress(FileNotFoundError), left.open("rb") as file:
            if _lock(file):
                left.unlink()


def _lock(file: BinaryIO) -> bool:
    """Whether the file is locked now, and by us.

    It is not if another process holds it, nor on a file system without locks: there nobody can
    tell a leftover from a file that is being written, so both are left alone.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _writer(out: Path, file: Any, schema: pa.Schema) -> Any:
    if out.suffix.lower() == ".csv":
        return arrow_csv.CSVWriter(file, schema)
    return pq.ParquetWriter(file, schema, compression="zstd")


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
