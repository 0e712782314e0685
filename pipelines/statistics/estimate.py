"""A measured value with its standard error, and the bounds and p-values that follow from it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import special


@dataclass(frozen=True)
class Interval:
    """A value between two bounds, all in the unit of the measure."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Estimate:
    """What was measured and how far it may be off.

    When nothing varied between units the standard error is 0, which is no proof that nothing
    ever would: bounds and p-values then follow the rule of three, -ln(alpha) / units, that holds
    for a measure of at most 1 per unit (Hanley and Lippman-Hand 1983).

    Attributes:
        value: the measure on all rows.
        standard_error: of `value`, in its unit; NaN when it could not be estimated.
        degrees: degrees of freedom behind the standard error; infinity for the normal limit.
        units: how many independent things it rests on: rows, or blocks.
    """

    value: float
    standard_error: float
    degrees: float
    units: int

    def lower(self, alpha: float) -> float:
        """One-sided lower bound: the truth lies below it with a chance of `alpha`."""
        return self.value - self._reach(alpha)

    def upper(self, alpha: float) -> float:
        """One-sided upper bound: the truth lies above it with a chance of `alpha`."""
        return self.value + self._reach(alpha)

    def interval(self, confidence: float) -> Interval:
        """Two-sided interval that holds the truth with a chance of `confidence`."""
        tail = (1 - confidence) / 2
        return Interval(self.value, self.lower(tail), self.upper(tail))

    def p_above(self, limit: float) -> float:
        """p-value of H0: truth <= limit, against the truth being above it."""
        return self._tail(self.value - limit)

    def p_below(self, limit: float) -> float:
        """p-value of H0: truth >= limit, against the truth being below it."""
        return self._tail(limit - self.value)

    def _reach(self, alpha: float) -> float:
        if self.standard_error == 0:
            return -math.log(alpha) / self.units
        return float(special.stdtrit(self.degrees, 1 - alpha)) * self.standard_error

    def _tail(self, distance: float) -> float:
        if math.isnan(self.standard_error) or math.isnan(distance):
            return 1.0
        if self.standard_error == 0:
            return math.exp(-self.units * max(distance, 0.0))
        return float(special.stdtr(self.degrees, -distance / self.standard_error))
