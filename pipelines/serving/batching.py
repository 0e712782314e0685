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

# So many batches of one, one after the other, and nobody seems to come at the same time.
ENOUGH_ALONE = 16


class Batcher(Generic[T]):
    """Gathers what is added at one moment.

    Args:
        work: is given all that is waiting, does the first of it, as much as one turn of the loop
            should take, and returns how many it did; must do one at least, and must not raise.
        window_seconds: for those who come one by one, however many there are, as the calls of
            gRPC do (a thread of its own wakes the loop for each): how long the first of a batch
            waits for others. It does so only while batches of more than one come about; a client
            that waits for each of its answers is not made to wait longer.
    """

    def __init__(self, work: Callable[[list[T]], int], window_seconds: float = 0.0) -> None:
        self._work = work
        self._window_seconds = window_seconds
        self._waiting: list[T] = []
        self._alone = ENOUGH_ALONE

    def add(self, one: T) -> None:
        """Have it worked on soon, by the running event loop."""
        self._waiting.append(one)
        if len(self._waiting) == 1:
            loop = asyncio.get_running_loop()
            if self._window_seconds and self._alone < ENOUGH_ALONE:
                loop.call_later(self._window_seconds, self._flush)
            else:
                loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._alone = 0 if len(self._waiting) > 1 else self._alone + 1
        del self._waiting[: self._work(self._waiting)]
        if self._waiting:  # others have their turn before the rest
            asyncio.get_running_loop().call_soon(self._flush)
