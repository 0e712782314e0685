"""How different two rows of counts over the same bins are, and how many bins two samples can bear.

The estimate of a distance from counts is too large: two samples of one distribution are never
equal, and the more bins there are, the more they differ. So the bins follow from how many rows
there are to fill them.
"""

from __future__ import annotations

import math

import numpy as np

from pipelines.statistics.arrays import Floats, Indices

MOST_BINS = 20
# What the Jensen-Shannon distance of two samples of one distribution may be, about. Two thirds of
# the usual limit of 0.1, so that what is near the limit is pushed over it, and nothing else is.
_BY_CHANCE = 0.065


def bins_for(reference: int, window: int) -> int:
    """Into how many bins samples of these sizes are sorted to estimate a distance: 2 to 20.

    Without a change the divergence is chi-squared with bins - 1 degrees of freedom, times
    (1/reference + 1/window) / 8 nats. That is solved for the bins whose mean is what chance may do.
    """
    if not reference or not window:
        return 2
    nats = _BY_CHANCE**2 * math.log(2)
    borne = 1 + 8 * nats / (1 / reference + 1 / window)
    return max(2, min(MOST_BINS, int(borne)))


def js_distance(reference: Indices, window: Indices) -> float:
    """The square root of the Jensen-Shannon divergence in bits, 0 to 1 (Endres, Schindelin 2003).

    Args:
        reference, window: counts over the same bins or names, shape (bins,).
    """
    if not reference.sum() or not window.sum():
        return 0.0
    known, seen = reference / reference.sum(), window / window.sum()
    middle = (known + seen) / 2
    bits = (_relative_entropy(known, middle) + _relative_entropy(seen, middle)) / 2
    return float(np.sqrt(max(bits, 0.0) / np.log(2)))


def stability_index(reference: Indices, window: Indices) -> float:
    """The symmetric Kullback-Leibler divergence in nats (Lewis 1994), 0 when either is empty.

    Half a row is added to each bin, or one that is empty on one side would make it infinite.

    Args:
        reference, window: counts over the same bins or names, shape (bins,).
    """
    if not reference.sum() or not window.sum():
        return 0.0
    known = (reference + 0.5) / (reference.sum() + 0.5 * reference.size)
    seen = (window + 0.5) / (window.sum() + 0.5 * window.size)
    return float(np.sum((seen - known) * np.log(seen / known)))


def _relative_entropy(shares: Floats, middle: Floats) -> float:
    there = shares > 0
    return float(np.sum(shares[there] * np.log(shares[there] / middle[there])))
