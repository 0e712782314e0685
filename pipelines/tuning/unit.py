"""Knobs as positions in [0, 1], on the scale on which they are searched: log where they say so."""

from __future__ import annotations

import math
from typing import TypeAlias

from optuna.distributions import FloatDistribution, IntDistribution

Numeric: TypeAlias = FloatDistribution | IntDistribution


def position(distribution: Numeric, value: float) -> float:
    """Where a value lies between the ends of its range, from 0 to 1."""
    low, high = _ends(distribution)
    at = math.log(value) if distribution.log else value
    return min(max((at - low) / (high - low), 0.0), 1.0) if high > low else 0.0


def value_at(distribution: Numeric, place: float) -> float | int:
    """The value at a position; the inverse of `position` but for the rounding of whole numbers."""
    low, high = _ends(distribution)
    at = low + (high - low) * min(max(place, 0.0), 1.0)
    value = math.exp(at) if distribution.log else at
    if isinstance(distribution, IntDistribution):
        return min(max(round(value), distribution.low), distribution.high)
    return min(max(value, distribution.low), distribution.high)


def _ends(distribution: Numeric) -> tuple[float, float]:
    low, high = float(distribution.low), float(distribution.high)
    if isinstance(distribution, IntDistribution):
        # Half a step more at both ends, so that the outermost numbers are as likely as others.
        low, high = low - 0.5, high + 0.5
    return (math.log(low), math.log(high)) if distribution.log else (low, high)
