"""How much data a question needs, and the test of two classifiers' decisions on the same rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import special

from pipelines.statistics.arrays import Mask
from pipelines.statistics.estimate import Estimate


@dataclass(frozen=True)
class McNemar:
    """Decisions on which exactly one of two classifiers is right.

    Attributes:
        first_only: rows that only the first gets right.
        second_only: rows that only the second gets right.
        p_value: of H0: both are right equally often; exact, two-sided.
    """

    first_only: int
    second_only: int
    p_value: float


def mcnemar(first_correct: Mask, second_correct: Mask) -> McNemar:
    """McNemar's exact test on paired decisions, shape (rows,) each (McNemar 1947)."""
    first_only = int((first_correct & ~second_correct).sum())
    second_only = int((second_correct & ~first_correct).sum())
    discordant = first_only + second_only
    from scipy import stats  # slow to import, and rarely asked

    p_value = stats.binomtest(first_only, discordant).pvalue if discordant else 1.0
    return McNemar(first_only, second_only, float(p_value))


def needed_rows(estimate: Estimate, rows: int, distance: float, alpha: float, power: float) -> int:
    """Rows at which a one-sided test sees a `distance`, given the variance seen on `rows`.

    Args:
        estimate: of independent rows; its variance falls as 1 / rows.
        rows: how many it was measured on.
        distance: between the truth that is planned for and the bound that must be cleared, in
            the unit of the estimate; more than 0.
        alpha: chance of a wrong yes.
        power: chance of a right yes.
    """
    ratio = _two_quantiles(alpha, power, math.inf) * estimate.standard_error / distance
    return max(1, math.ceil(rows * ratio**2))


def needed_blocks(estimate: Estimate, distance: float, alpha: float, power: float) -> int:
    """As `needed_rows`, in blocks; the estimate's `units` are the blocks it was measured on.

    Counts the price of Student's t: with few blocks more are needed than the normal limit says.
    """
    variance = estimate.standard_error**2 * estimate.units
    blocks = 2.0
    # A fixed point: more blocks, more degrees of freedom, a smaller quantile. Settles in a few.
    for _ in range(50):
        quantiles = _two_quantiles(alpha, power, max(blocks - 1, 1))
        wanted = max(2.0, variance * quantiles**2 / distance**2)
        if abs(wanted - blocks) < 0.5:
            break
        blocks = wanted
    return math.ceil(wanted)


def detectable_distance(estimate: Estimate, alpha: float, power: float) -> float:
    """The smallest distance that a test at this standard error sees with the given power."""
    return _two_quantiles(alpha, power, estimate.degrees) * estimate.standard_error


def _two_quantiles(alpha: float, power: float, degrees: float) -> float:
    found = special.stdtrit(degrees, 1 - alpha) + special.stdtrit(degrees, power)
    return float(found)
