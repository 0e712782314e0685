"""Dynamic batching: requests of one moment are worked on together.

Requests that came while the event loop was busy are all there when it looks again. Doing the same
step for one after the other, before the next step, keeps the step's code and data in the
processor's caches, and asking the model once for all of them costs little more than asking for
one: together that is half the time of a request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

# The first answer of a batch waits for the last; 64 of one row take about 5 ms.
MOST = 64
# So many batches of one, one after the other, and nobody seems to come at the same time.
ALONE = 16


class Batcher(Generic[T]):
    """Gathers what is added at one moment.

    Args:
        work: does a batch; must not raise.
        window_seconds: for requests that come one by one, however many there are, as those of
            gRPC do (a thread of its own wakes the loop for each): how long the first of a batch
            waits for others. It does so only while batches of more than one come about; a client
            that waits for each of its answers is not made to wait longer.
    """

    def __init__(self, work: Callable[[list[T]], None], window_seconds: float = 0.0) -> None:
        self._work = work
        self._window_seconds = window_seconds
        self._waiting: list[T] = []
        self._alone = ALONE

    def add(self, request: T) -> None:
        """Have a request worked on soon, by the running event loop."""
        self._waiting.append(request)
        if len(self._waiting) >= MOST:
            self._flush()
        elif len(self._waiting) == 1:
            loop = asyncio.get_running_loop()
            if self._window_seconds and self._alone < ALONE:
                loop.call_later(self._window_seconds, self._flush)
            else:
                loop.call_soon(self._flush)

    def _flush(self) -> None:
        batch, self._waiting = self._waiting, []
        if batch:  # else it was full before its time
            self._alone = 0 if len(batch) > 1 else self._alone + 1
            self._work(batch)
