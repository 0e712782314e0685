"""One column against its reference, portion by portion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pipelines.statistics.arrays import Floats
from pipelines.statistics.drift.numbers import Placed, Steps

# How many times the reference's own range a value may lie beyond it and still be a measurement.
_BEYOND = 1.0
# Fewer distinct values are a scale, on which one value may well become frequent.
_CONTINUOUS = 100


@dataclass(frozen=True, eq=False)
class NumberReference:
    """What a number looked like in the reference.

    Attributes:
        steps: its values.
        missing: how many rows had none.
    """

    steps: Steps
    missing: int

    @classmethod
    def of(cls, values: Floats) -> NumberReference:
        """From values, shape (rows,), NaN where one is missing."""
        return cls(Steps.of(values), int(np.isnan(values).sum()))

    @property
    def rows(self) -> int:
        return self.steps.size + self.missing

    @property
    def plausible(self) -> tuple[float, float]:
        """Between which a value may lie: a whole range beyond what was ever seen, either way."""
        if not self.steps.size:
            return (-np.inf, np.inf)
        low, high = float(self.steps.points[0]), float(self.steps.points[-1])
        # A constant has no range to go by; its own size stands in for one.
        room = _BEYOND * (high - low if high > low else max(abs(high), 1.0))
        return low - room, high + room

    @property
    def is_continuous(self) -> bool:
        return self.steps.points.size >= _CONTINUOUS

    def see(self, values: Floats) -> NumberSeen:
        """Compare a portion of a window, shape (rows,), NaN where a value is missing."""
        low, high = self.plausible
        missing = np.isnan(values)
        known = values[~missing]
        return NumberSeen(
            placed=self.steps.place(known),
            missing=int(missing.sum()),
            implausible=int(((known < low) | (known > high)).sum()),
            low=float(known.min()) if known.size else np.inf,
            high=float(known.max()) if known.size else -np.inf,
        )


@dataclass(frozen=True, eq=False)
class NumberSeen:
    """What was seen of a number in a window; portions add up."""

    placed: Placed
    missing: int
    implausible: int
    low: float
    high: float

    def __add__(self, other: NumberSeen) -> NumberSeen:
        return NumberSeen(
            self.placed + other.placed,
            self.missing + other.missing,
            self.implausible + other.implausible,
            min(self.low, other.low),
            max(self.high, other.high),
        )

    @property
    def rows(self) -> int:
        return self.placed.size + self.missing


@dataclass(frozen=True)
class CategoryReference:
    """What a name looked like in the reference.

    Attributes:
        counts: how often each name is there.
        missing: how many rows had none.
        seen: every name that training saw, of which the reference is a sample.
    """

    counts: Mapping[str, int]
    missing: int
    seen: frozenset[str]

    @property
    def rows(self) -> int:
        return sum(self.counts.values()) + self.missing

    def see(self, counts: Mapping[str, int], missing: int) -> CategorySeen:
        """Compare a portion of a window: how often each name is there, and none is."""
        known = {name: count for name, count in counts.items() if name in self.counts}
        others = sum(counts.values()) - sum(known.values())
        unseen = sum(count for name, count in counts.items() if name not in self.seen)
        return CategorySeen(known, others, unseen, missing)


@dataclass(frozen=True)
class CategorySeen:
    """What was seen of a name in a window; portions add up.

    Attributes:
        known: counts of the names that the reference has: however many others there are, they
            take no memory.
        others: rows with another name.
        unseen: rows with a name that training never saw.
        missing: rows without one.
    """

    known: Mapping[str, int]
    others: int
    unseen: int
    missing: int

    def __add__(self, other: CategorySeen) -> CategorySeen:
        known = dict(self.known)
        for name, count in other.known.items():
            known[name] = known.get(name, 0) + count
        return CategorySeen(
            known,
            self.others + other.others,
            self.unseen + other.unseen,
            self.missing + other.missing,
        )

    @property
    def rows(self) -> int:
        return sum(self.known.values()) + self.others + self.missing


Reference = NumberReference | CategoryReference
Seen = NumberSeen | CategorySeen
