"""What waits to be written, bounded by rows and by the memory that it takes.

Rows alone bound nothing: a category is a string of any length, and an image is a row, too.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import NamedTuple

from pipelines.predictions.record import Answered

# For any model: a worker has 256 MiB, of which it needs 145, and making a batch takes about three
# times the batch once more (`deploying.manifests.memory_mebibytes`).
QUEUE_BYTES = 64 << 20
_BATCH_BYTES = 8 << 20
# Enough to share what a batch costs; few, for while the writer makes one the event loop has the
# interpreter only now and then.
BATCH_ROWS = 1024


class Entry(NamedTuple):
    """A record, how much it is, and who waits for it."""

    answered: Answered
    rows: int
    size: int
    waiter: asyncio.Future[None] | None

    @classmethod
    def of(cls, answered: Answered, waiter: asyncio.Future[None] | None = None) -> Entry:
        return cls(answered, answered.rows, answered.size, waiter)


class Queue:
    """Entries that wait, and the batch that is being written; for one thread at a time.

    Attributes:
        waiting_rows: of the entries that wait.
        rows, size: of these and of the batch together.
    """

    def __init__(self) -> None:
        self.waiting_rows = self.rows = self.size = 0
        self._waiting: deque[Entry] = deque()

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def has_memory_for(self, entry: Entry) -> bool:
        """Whether it would take too much memory; alone, one of any size is let in.

        It is in memory already, and would be refused whenever it came.
        """
        return self.size + entry.size <= QUEUE_BYTES or self.size == 0

    def put(self, entry: Entry) -> None:
        self._waiting.append(entry)
        self.waiting_rows += entry.rows
        self.rows += entry.rows
        self.size += entry.size

    def take(self) -> list[Entry]:
        """The next batch. It counts until it is `done`."""
        taken: list[Entry] = []
        rows = size = 0
        while self._waiting and rows < BATCH_ROWS and size < _BATCH_BYTES:
            entry = self._waiting.popleft()
            taken.append(entry)
            rows += entry.rows
            size += entry.size
        self.waiting_rows -= rows
        return taken

    def done(self, rows: int, size: int) -> None:
        """So much of what was taken is written, or never will be."""
        self.rows -= rows
        self.size -= size
