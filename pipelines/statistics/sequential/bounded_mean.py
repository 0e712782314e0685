"""Where is the mean of values between 0 and 1, at every look?

For y = limit - x with x in [0, 1], and lambda in [0, 1), Fan, Grama and Liu (2015) have

    exp(lambda y - psi(lambda) y^2) <= 1 + lambda y,   psi(lambda) = -log(1-lambda) - lambda,

whose right side is the bet of Waudby-Smith and Ramdas (2024): expected to win nothing while the
mean is at least the limit. The product over values therefore is an e-process that adapts to their
variance, as the empirical-Bernstein sequences of Howard et al. (2021) do, and three sums are its
whole state: it is the same in any order and in any portions. A mixture over lambda replaces knowing
the variance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.statistics.arrays import Floats
from pipelines.statistics.estimate import Interval
from pipelines.statistics.sequential.mixture import log_mean_exp, log_threshold

_BETS = np.geomspace(0.005, 0.95, 40)
_COSTS = -np.log1p(-_BETS) - _BETS
_GRID = 1001


@dataclass(frozen=True)
class Moments:
    """All that has to be kept of values between 0 and 1.

    Attributes:
        count: how many.
        total: their sum.
        squares: the sum of their squares.
    """

    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def __add__(self, other: Moments) -> Moments:
        return Moments(
            self.count + other.count, self.total + other.total, self.squares + other.squares
        )

    @property
    def mean(self) -> float:
        """Of the values so far; 0 before the first."""
        return self.total / self.count if self.count else 0.0

    def log_e_below(self, limit: float) -> float:
        """The logarithm of an e-process against H0: the mean is at least `limit`."""
        return float(self._log_e(np.array([limit]), sign=1)[0])

    def log_e_above(self, limit: float) -> float:
        """The logarithm of an e-process against H0: the mean is at most `limit`."""
        return float(self._log_e(np.array([limit]), sign=-1)[0])

    def interval(self, alpha: float) -> Interval:
        """Bounds that hold the mean at all looks together with a chance of 1 - `alpha`.

        Each is the outermost of a thousand limits that is not refuted, and one grid step beyond.
        """
        limits = np.linspace(0, 1, _GRID)
        threshold = log_threshold(alpha / 2)
        low = np.flatnonzero(self._log_e(limits, sign=-1) < threshold)[0]
        high = np.flatnonzero(self._log_e(limits, sign=1) < threshold)[-1]
        return Interval(
            self.mean, float(limits[max(low - 1, 0)]), float(limits[min(high + 1, _GRID - 1)])
        )

    def _log_e(self, limits: Floats, sign: int) -> Floats:
        """Shape (limits,); `sign` is 1 for a mean below them, -1 for one above."""
        distance = sign * (self.count * limits - self.total)
        # Rounding may not turn a sum of squares negative: that would be evidence from nothing.
        square = np.maximum(self.count * limits**2 - 2 * limits * self.total + self.squares, 0.0)
        return log_mean_exp(distance[:, None] * _BETS - square[:, None] * _COSTS)


NO_VALUES = Moments()
