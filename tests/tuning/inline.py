"""An engine without processes: seats take their rungs in an order that is drawn.

The order in which rungs arrive is all that a search can notice of unequal workers, so many
orders can be tried in the time that one process takes to start.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from pipelines.tuning.engine import Params, Prepare, Rung, Scored


@dataclass
class _Seat:
    slot: int
    params: Params
    rungs: Iterator[Scored]
    scores: list[float] = field(default_factory=list)
    is_waiting: bool = False


class Inline:
    """An `Engine` with so many seats, whose order is that of `seed`."""

    def __init__(self, prepare: Prepare, seats: int, seed: int = 0) -> None:
        self._score = prepare()
        self._count = seats
        self._draw = random.Random(seed)
        self._seats: list[_Seat] = []

    def has_idle(self) -> bool:
        return len(self._seats) < self._count

    def start(self, slot: int, params: Params) -> None:
        assert self.has_idle()
        self._seats.append(_Seat(slot, params, self._score(params)))

    def next_rung(self, seconds: float | None = None) -> Rung | None:
        seat = self._draw.choice([seat for seat in self._seats if not seat.is_waiting])
        scored = next(seat.rungs)
        seat.scores.append(scored.quality)
        seat.is_waiting = True
        return Rung(seat.slot, seat.params, list(seat.scores), scored.is_last, scored.cost)

    def go_on(self, slot: int) -> None:
        self._of(slot).is_waiting = False

    def finish(self, slot: int) -> None:
        self._seats.remove(self._of(slot))

    def close(self) -> None:
        self._seats.clear()

    def _of(self, slot: int) -> _Seat:
        return next(seat for seat in self._seats if seat.slot == slot)
