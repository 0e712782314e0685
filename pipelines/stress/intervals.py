"""How far a measured share or percentile may be off, without assuming a shape.

Both take requests as independent, which they are not quite: one stall makes many late. The truth
is a little wider.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pipelines.statistics.estimate import Interval


def of_quantile(values: NDArray[np.float64], share: float, confidence: float) -> Interval:
    """A quantile between two order statistics (Conover, Practical Nonparametric Statistics, 3.2).

    Args:
        values: at least one, in any order; infinity is larger than all.
        share: 0.99 for the 99th percentile.
        confidence: of each of the two bounds by itself.

    Returns:
        `high` is infinite when there are too few values to say that anything lies above it.
    """
    ordered, count = np.sort(values), len(values)
    low = int(stats.binom.ppf(1 - confidence, count, share))
    high = int(stats.binom.ppf(confidence, count, share)) + 1
    return Interval(
        value=float(ordered[min(count - 1, math.ceil(share * count) - 1)]),
        low=float(ordered[low - 1]) if low > 0 else 0.0,
        high=float(ordered[high - 1]) if high <= count else math.inf,
    )


def of_share(hits: int, count: int, confidence: float) -> Interval:
    """A share of 1 with bounds that hold for any count (Clopper and Pearson 1934).

    Args:
        hits: of `count`, which is positive.
        count: how many were looked at.
        confidence: of each of the two bounds by itself.
    """
    low = stats.beta.ppf(1 - confidence, hits, count - hits + 1) if hits else 0.0
    high = stats.beta.ppf(confidence, hits + 1, count - hits) if hits < count else 1.0
    return Interval(hits / count, float(low), float(high))
