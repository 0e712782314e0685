"""Is one arm's rate of bad events more, or less, than a multiple of the other's?

Only bad events count, and only where they fell. When the canary has a share w of the requests and
theta times the stable arm's rate of bad events, a bad event is the canary's with the chance

    q(theta) = w theta / (w theta + 1 - w).

The likelihood ratio of theta against a boundary b, over c bad events of the canary and s of the
stable arm, is

    (q(theta)/q(b))^c ((1-q(theta))/(1-q(b)))^s
        = (theta/b)^c ((1 + w (b-1)) / (1 + w (theta-1)))^(c+s).

Daily swings and outages that meet both arms alike cancel out: they change how many bad events there
are, not whose they are.

Why it is an e-process, given how many requests each arm had since the last look: write A and D for
the factor of one bad event in either arm. With bad events that are independent and no more than
b times as frequent in the canary (for theta > b; no less, for theta < b), and 1 + x <= e^x,

    E <= exp(n_c p_c (A-1) + n_s p_s (D-1)) <= exp(p_s (n_s + b n_c) (q A + (1-q) D - 1)) = 1,

with q = q(b) and w = n_c / (n_c + n_s). So w is the share of requests that *were* the canary's,
not the weight that was asked for: where sessions are sticky the two differ for days. Twins of
mirrored requests, which go bad together, only make E smaller, as (A-1)(D-1) < 0.

A mixture over theta (the mean) is what Robbins (1970) and Howard, Ramdas, McAuliffe and Sekhon
(2021) use to be nearly as fast as the best theta without knowing it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipelines.statistics.arrays import Floats
from pipelines.statistics.sequential.mixture import log_mean_exp

POINTS = 40


@dataclass(frozen=True, eq=False)
class RateRatio:
    """A test of the ratio of two rates of bad events.

    Attributes:
        thetas: shape (thetas,), the ratios that the mixture is over, each positive.
        boundary: the ratio that the null hypothesis reaches up to, or down to.
    """

    thetas: Floats
    boundary: float

    @classmethod
    def above(cls, boundary: float) -> RateRatio:
        """Against H0: the canary has at most `boundary` times the stable arm's rate."""
        return cls(boundary * np.geomspace(1.25, 30, POINTS), boundary)

    @classmethod
    def below(cls, boundary: float) -> RateRatio:
        """Against H0: the canary has at least `boundary` (> 1) times the stable arm's rate."""
        return cls(np.geomspace(0.05, 1, POINTS), boundary)

    def start(self) -> Floats:
        """The logarithms before anything was seen: shape (thetas,), all 0."""
        return np.zeros(self.thetas.size)

    def gain(self, canary_bad: ArrayLike, stable_bad: ArrayLike, share: ArrayLike) -> Floats:
        """What the bad events since the last look add to the logarithm of each theta.

        Args:
            canary_bad, stable_bad: shape (...), bad events of either arm.
            share: shape (...), of all requests since the last look, those that were the canary's,
                0 to 1.

        Returns:
            Shape (..., thetas). The order of events within a look does not matter.
        """
        canary = np.asarray(canary_bad, dtype=np.float64)[..., None]
        stable = np.asarray(stable_bad, dtype=np.float64)[..., None]
        part = np.asarray(share, dtype=np.float64)[..., None]
        spread = np.log1p(part * (self.thetas - 1)) - np.log1p(part * (self.boundary - 1))
        gain: Floats = canary * np.log(self.thetas / self.boundary) - (canary + stable) * spread
        return gain


def log_e(logs: Floats) -> Floats:
    """The logarithm of the e-process: the mean over all thetas.

    Args:
        logs: shape (..., thetas), sums of gains.
    """
    return log_mean_exp(logs)


def log_e_of_starts(logs: Floats) -> Floats:
    """The mean over several starting times as well, each of which begins at 1.

    A canary that fails only under the load of its third step has by then collected so much
    evidence of innocence that a test begun at the first one would take long to change its mind.

    Args:
        logs: shape (..., starts, thetas), sums of gains since each start.
    """
    return log_mean_exp(logs.reshape(*logs.shape[:-2], -1))
