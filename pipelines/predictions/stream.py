"""A stream file: an Arrow IPC stream that one process appends whole batches to.

Each batch is one write at the end of the file, so a process that is killed leaves whole batches
and perhaps the beginning of one more. Its lock (flock) goes with the process, however that ends:
a stream file that can be locked has nobody who writes to it.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from pipelines.predictions import names


class StreamFile:
    """A stream file that this process writes to.

    Attributes:
        path: where it is.
        rows: how many were appended.
        size: how many bytes they take.
    """

    def __init__(self, path: Path, descriptor: int, schema: pa.Schema) -> None:
        self.path = path
        self.schema = schema
        self.rows = 0
        self.size = 0
        self._descriptor = descriptor
        self._opened = time.monotonic()

    @classmethod
    def create(cls, folder: Path, schema: pa.Schema) -> StreamFile:
        """Begin a new one in `folder`.

        Raises:
            OSError: it cannot be written; nothing is left of it then.
        """
        stream = cls(*_created(folder), schema)
        try:
            stream._write(schema.serialize())
        except OSError:
            stream.path.unlink()
            stream.close()
            raise
        return stream

    @property
    def age_seconds(self) -> float:
        return time.monotonic() - self._opened

    def append(self, batch: pa.RecordBatch) -> None:
        """Hand a batch to the operating system; there it is safe from the end of this process.

        Raises:
            OSError: it could not be taken whole, and nothing of it is left in the file.
        """
        self._write(batch.serialize())
        self.rows += batch.num_rows

    def close(self) -> None:
        """Give up the lock."""
        os.close(self._descriptor)

    def _write(self, message: pa.Buffer) -> None:
        rest = memoryview(message)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            # A disk takes what it has room for before it says that it is full.
            os.ftruncate(self._descriptor, self.size)
            raise
        self.size += message.size


class WholeBatches:
    """The whole batches of a stream file, up to the first that is not.

    Attributes:
        end: how many bytes were understood so far, the schema's included.
    """

    def __init__(self, path: Path) -> None:
        self.end = 0
        self._path = path

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Read on; a writer may append meanwhile.

        Raises:
            OSError: the file cannot be read. What was cut off or damaged only ends the reading.
        """
        # Not mapped into memory: a writer whose disk is full makes the file shorter.
        with pa.OSFile(str(self._path)) as file, _until_damaged():
            reader = pa.ipc.open_stream(file)
            self.end = file.tell()
            for batch in reader:
                # Damaged offsets would take the process with them when they are followed.
                batch.validate(full=True)
                self.end = file.tell()
                yield batch


@contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Hold the lock of a stream file; False if its writer lives, or somebody else was first."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        yield False
        return
    try:
        yield _is_locked(descriptor)
    finally:
        os.close(descriptor)


def _created(folder: Path) -> tuple[Path, int]:
    while True:
        path = names.new_stream(folder)
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o640)
        # Between these two lines it looks like the file of a dead writer, and may be swept.
        if _is_locked(descriptor):
            return path, descriptor
        os.close(descriptor)


def _is_locked(descriptor: int) -> bool:
    """Whether the lock could be had, and of a file that is still there."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return os.fstat(descriptor).st_nlink > 0


@contextmanager
def _until_damaged() -> Iterator[None]:
    try:
        yield
    except pa.ArrowException:
        return
    except OSError as error:
        # Arrow's own "expected more bytes" carries no number; what the disk says does.
        if error.errno is not None:
            raise
