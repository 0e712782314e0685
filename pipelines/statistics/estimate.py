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
        return self.value - self._quantile(1 - alpha) * self.standard_error

    def upper(self, alpha: float) -> float:
        """One-sided upper bound: the truth lies above it with a chance of `alpha`."""
        return self.value + self._quantile(1 - alpha) * self.standard_error

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

    def _quantile(self, probability: float) -> float:
        return float(special.stdtrit(self.degrees, probability))

    def _tail(self, distance: float) -> float:
        if math.isnan(self.standard_error) or math.isnan(distance):
            return 1.0
        if self.standard_error == 0:
            return 0.0 if distance > 0 else 1.0
        return float(special.stdtr(self.degrees, -distance / self.standard_error))
