"""Numbers against a reference: the Kolmogorov-Smirnov distance exactly, and others over bins.

The distribution function of the reference only steps at its own distinct values. Between two of
them that of the window only rises, so the largest distance of the two is at such a value or just
before it. How many values of the window fall at each of these points and between them is therefore
all that has to be kept, whatever the size of the window.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import special

from pipelines.statistics.arrays import Floats, Indices
from pipelines.statistics.drift import divergence
from pipelines.statistics.drift.divergence import bins_for, stability_index

PSI_BINS = 10


@dataclass(frozen=True, eq=False)
class Steps:
    """A sample as its distinct values.

    Attributes:
        points: shape (points,), rising.
        counts: shape (points,), how often each is there.
    """

    points: Floats
    counts: Indices

    @classmethod
    def of(cls, values: Floats) -> Steps:
        """The steps of a sample, shape (rows,); missing values (NaN) are left out."""
        points, counts = np.unique(values[~np.isnan(values)], return_counts=True)
        return cls(points.astype(np.float64), counts.astype(np.int64))

    @cached_property
    def size(self) -> int:
        """How many values there are."""
        return int(self.counts.sum())

    @cached_property
    def own(self) -> Placed:
        """The sample placed among its own points."""
        return Placed(np.zeros(self.points.size + 1, dtype=np.int64), self.counts)

    def place(self, values: Floats) -> Placed:
        """Count values, shape (rows,), at and between the points; NaN is left out."""
        known = values[~np.isnan(values)]
        right = np.searchsorted(self.points, known, side="left")
        if self.points.size == 0:
            return Placed(np.array([known.size], dtype=np.int64), np.zeros(0, dtype=np.int64))
        nearest = np.minimum(right, self.points.size - 1)
        is_at = self.points[nearest] == known
        return Placed(
            np.bincount(right[~is_at], minlength=self.points.size + 1),
            np.bincount(nearest[is_at], minlength=self.points.size),
        )


@dataclass(frozen=True, eq=False)
class Placed:
    """Where values of a window fall among the points of a reference; portions add up.

    Attributes:
        between: shape (points + 1,), how many lie before each point, and beyond the last.
        at: shape (points,), how many are equal to each point.
    """

    between: Indices
    at: Indices

    def __add__(self, other: Placed) -> Placed:
        return Placed(self.between + other.between, self.at + other.at)

    @cached_property
    def size(self) -> int:
        """How many values were placed."""
        return int(self.between.sum() + self.at.sum())

    @cached_property
    def up_to(self) -> Indices:
        """How many are at most each point, shape (points,)."""
        rising: Indices = np.cumsum(self.between[:-1] + self.at)
        return rising

    @property
    def outside(self) -> int:
        """How many are below the first point or above the last."""
        return int(self.between[0] + self.between[-1]) if self.at.size else self.size


def ks_distance(reference: Steps, window: Placed) -> float:
    """Kolmogorov and Smirnov's D, in 0 to 1: the largest gap of the distribution functions.

    Exactly that of the two samples; 0 when either of them is empty.
    """
    if not reference.size or not window.size:
        return 0.0
    known = reference.own.up_to / reference.size
    before_known = known - reference.counts / reference.size
    seen = window.up_to / window.size
    before_seen = (window.up_to - window.at) / window.size
    gaps = np.maximum(np.abs(seen - known), np.abs(before_seen - before_known))
    return float(gaps.max())


def ks_p(distance: float, reference: int, window: int) -> float:
    """p-value of D for two samples of these sizes (Smirnov 1948, Stephens's correction of 1970).

    Ties make it too large, never too small.
    """
    if not reference or not window:
        return 1.0
    root = math.sqrt(reference * window / (reference + window))
    return float(special.kolmogorov((root + 0.12 + 0.11 / root) * distance))


def psi(reference: Steps, window: Placed, bins: int = PSI_BINS) -> float:
    """The population stability index over bins of equal mass in the reference."""
    return stability_index(*binned(reference, window, bins))


def js_distance(reference: Steps, window: Placed) -> float:
    """The Jensen-Shannon distance over bins of equal mass, as many as the two can bear."""
    return divergence.js_distance(*binned(reference, window, bins_for(reference.size, window.size)))


def binned(reference: Steps, window: Placed, bins: int) -> tuple[Indices, Indices]:
    """The counts of both over bins of equal mass in the reference, shape (bins,) each.

    Fewer bins where many values are equal; none where the reference has no value.
    """
    if not reference.size:
        none = np.zeros(0, dtype=np.int64)
        return none, none
    rising = reference.own.up_to
    wanted = reference.size * np.arange(1, bins) / bins
    edges = np.unique(np.searchsorted(rising, wanted))
    # The last bin is open, so that what lies beyond the reference has a place.
    edges = edges[edges < rising.size - 1]
    return _between(rising[edges], reference.size), _between(window.up_to[edges], window.size)


def _between(up_to: Indices, size: int) -> Indices:
    counts = np.empty(up_to.size + 1, dtype=np.int64)
    counts[:-1], counts[-1] = up_to, size
    counts[1:] -= up_to
    return counts
