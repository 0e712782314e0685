"""Many questions to the same data: corrections for asking many at once, and again and again."""

from __future__ import annotations

import math

import numpy as np

from pipelines.statistics.arrays import Floats, Mask


def adjusted_p(p_values: Floats) -> Floats:
    """Benjamini-Hochberg adjusted p-values, shape (tests,), in the order given.

    Rejecting where the adjusted value is at most q keeps the expected share of false rejections
    among all rejections at q, for independent or positively dependent tests (Benjamini and
    Hochberg 1995; Benjamini and Yekutieli 2001).
    """
    order = np.argsort(p_values)
    scaled = p_values[order] * p_values.size / np.arange(1, p_values.size + 1)
    falling = np.minimum.accumulate(scaled[::-1])[::-1]
    adjusted = np.empty_like(p_values, dtype=np.float64)
    adjusted[order] = np.minimum(falling, 1.0)
    return adjusted


def rejected(p_values: Floats, q: float) -> Mask:
    """Which hypotheses Benjamini-Hochberg rejects at false discovery rate `q`, shape (tests,)."""
    return np.less_equal(adjusted_p(p_values), q)


def spent_alpha(alpha: float, times_asked: int) -> float:
    """The alpha left for the next question to a holdout that has answered before.

    A holdout that is asked until it says yes says yes. The k-th question gets
    alpha * 6 / (pi k)^2; since the sum of 1/k^2 is pi^2/6, all questions that will ever be asked
    together have a chance of at most `alpha` of a wrong yes (the union bound, so they may depend
    on each other and on earlier answers). The first costs .61 alpha, the tenth .006 alpha: a
    holdout wears out without a hard limit, and a fresh one is asked at the first price again.

    Args:
        alpha: chance of a wrong yes over the life of the holdout.
        times_asked: questions that it has answered before this one, 0 for a fresh holdout.
    """
    return alpha * 6 / (math.pi * (times_asked + 1)) ** 2
