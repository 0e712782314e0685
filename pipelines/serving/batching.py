"""Dynamic batching: requests of one moment are worked on together.

Requests that came while the event loop was busy are all there when it looks again. Doing the same
step for one after the other, before the next step, keeps the step's code and data in the
processor's caches, and asking the model once for all of them costs little more than asking for
one: together that is half the time of a request.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

# How many batches come between two that wait for a whole window.
BETWEEN_PROBES = 64


class Batcher(Generic[T]):
    """Gathers what is added in one turn of the event loop.

    Args:
        work: is given all that is waiting, does the first of it, as much as one turn of the loop
            should take, and returns how many it did; must do one at least, and must not raise.
    """

    def __init__(self, work: Callable[[list[T]], int]) -> None:
        self._work = work
        self._waiting: list[T] = []

    def add(self, one: T) -> None:
        """Have it worked on soon, by the running event loop."""
        self._waiting.append(one)
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        del self._waiting[: self._work(self._waiting)]
        if self._waiting:  # others have their turn before the rest
            asyncio.get_running_loop().call_soon(self._flush)


class WindowBatcher(Batcher[T]):
    """Waits a moment for those who come one by one, however many there are.

    So do the calls of gRPC: a thread of its own wakes the loop for each. The first of a batch
    waits until as many are there as came in a whole window before, and no longer than the window.
    Only now and then, and only if two were ever there at one time, a window is waited out to see
    how many come; so a client that waits for each of its answers waits for nobody, and neither do
    several once all of them are there.

    Args:
        work: as of `Batcher`.
        window_seconds: how long.
    """

    def __init__(self, work: Callable[[list[T]], int], window_seconds: float) -> None:
        super().__init__(work)
        self._window_seconds = window_seconds
        self._window: asyncio.TimerHandle | None = None
        self._expected = 1.0
        self._batches = 0

    def add(self, one: T) -> None:
        self._waiting.append(one)
        loop = asyncio.get_running_loop()
        if self._window is not None:
            if len(self._waiting) >= self._expected:
                self._window.cancel()
                self._window = None
                loop.call_soon(self._flush)
        elif len(self._waiting) == 1:
            if self._expected > 1:
                self._window = loop.call_later(self._window_seconds, self._end)
            else:
                loop.call_soon(self._flush)

    def _end(self) -> None:
        self._window = None
        came = len(self._waiting)
        # One window with few in it says little; a whole one that was waited for says how many.
        is_probe = math.isinf(self._expected)
        self._expected = came if is_probe else max(came, self._expected - 1)
        self._flush()

    def _flush(self) -> None:
        if len(self._waiting) > 1:
            if self._expected == 1 or self._batches == BETWEEN_PROBES:
                self._expected, self._batches = math.inf, 0
            self._batches += 1
        super()._flush()
