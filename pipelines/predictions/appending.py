"""Appending batches to segments: a new one when the open one is full, old, or of other columns."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from pipelines.errors import LogError
from pipelines.predictions.stream import StreamFile

# Whatever the rows are: a segment of images would be a gigabyte.
_SEGMENT_BYTES = 256 << 20


@dataclass(frozen=True)
class Limits:
    """When a segment is closed."""

    rows: int
    seconds: float


class Appender:
    """The open segment of one process; for one thread at a time.

    Args:
        folder: where its files go.
        limits: of a segment.
        on_closed: takes over each segment that is finished.
    """

    def __init__(
        self, folder: Path, limits: Limits, on_closed: Callable[[StreamFile], None]
    ) -> None:
        self._folder = folder
        self._limits = limits
        self._on_closed = on_closed
        self._open: StreamFile | None = None

    def append(self, batch: pa.RecordBatch) -> None:
        """Hand a batch to the operating system.

        Raises:
            OSError: it could not be; nothing of it is in the log, and the next one begins a new
                segment.
        """
        if self._open is not None and self._open.schema != batch.schema:
            self.close()
        self._open = self._open or StreamFile.create(self._folder, batch.schema)
        try:
            self._open.append(batch)
        except OSError:
            self.close()
            raise
        if self._open.rows >= self._limits.rows or self._open.size >= _SEGMENT_BYTES:
            self.close()

    @property
    def seconds_left(self) -> float | None:
        """Until the open segment is too old; None if there is none."""
        if self._open is None:
            return None
        return max(0.0, self._limits.seconds - self._open.age_seconds)

    def close_if_old(self) -> None:
        if self.seconds_left == 0:
            self.close()

    def close(self) -> None:
        """Finish the open segment, if there is one."""
        if self._open is not None:
            self._on_closed(self._open)
            self._open = None


def require_folder(folder: Path) -> None:
    """Make the folder of a log.

    Raises:
        LogError: it cannot be made, or nothing can be written into it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        problem = None if os.access(folder, os.W_OK | os.X_OK) else "may not be written to"
    except OSError as error:
        problem = f"cannot be made: {error}"
    if problem is not None:
        raise LogError(
            problem, where=str(folder), next_step="give the server a folder that it may write to"
        )
