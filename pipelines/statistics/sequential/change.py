"""When did the mean of values between 0 and 1 rise above a limit? The Shiryaev-Roberts e-detector.

A test that began with the first label would need as many bad labels to change its mind as it saw
good ones. This one begins anew with every label and adds all beginnings up,

    M_t = (M_{t-1} + 1) e_t,    e_t = 1 + lambda (x_t - limit),

where e_t is a bet that is expected to win nothing while the mean, given the past, is at most the
limit. Then the mean number of labels until M first reaches A is at least A, whatever the values'
distribution (Shin, Ramdas and Rinaldo 2023, "E-detectors"). A mean over several lambda keeps that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pipelines.statistics.arrays import Floats
from pipelines.statistics.sequential.mixture import log_mean_exp

# Shares of the largest bet, at which a single 0 would lose everything.
_SHARES = np.geomspace(0.01, 0.9, 12)
_PORTION = 1 << 15


@dataclass(frozen=True)
class Detector:
    """The state of a detector, to be stored and taken up again.

    Attributes:
        limit: the mean that may not be exceeded, above 0 and below 1.
        logs: of M + 1, one for each bet.
        count: how many values were seen.
        peak: the largest logarithm of M at any value since it began; 0 before the first.
    """

    limit: float
    logs: tuple[float, ...]
    count: int = 0
    peak: float = 0.0

    @classmethod
    def start(cls, limit: float) -> Detector:
        """Before anything was seen."""
        return cls(limit, (0.0,) * _SHARES.size)

    def after(self, values: Floats) -> Detector:
        """The state after more values, shape (values,), each in 0 to 1, in their order."""
        logs, peak = np.array(self.logs), self.peak
        for begin in range(0, values.size, _PORTION):
            path = self._path(logs, values[begin : begin + _PORTION])
            peak = max(peak, float(log_mean_exp(path.T).max()))
            logs = np.logaddexp(0.0, path[:, -1])
        return Detector(self.limit, tuple(logs.tolist()), self.count + values.size, peak)

    def has_alarmed(self, false_alarm_values: float) -> bool:
        """Whether M ever reached so many: the values between two false alarms, at least."""
        return self.count > 0 and self.peak >= math.log(false_alarm_values)

    def _path(self, logs: Floats, values: Floats) -> Floats:
        """The logarithm of M after each value, shape (bets, values).

        With P_t the product of the first t bets, M_t = P_t (M_0 + 1 + sum of 1/P_s over
        0 < s < t): a cumulative sum in place of a loop.
        """
        bets = _SHARES / self.limit
        products = np.cumsum(np.log1p(bets[:, None] * (values - self.limit)), axis=1)
        begun = np.concatenate([logs[:, None], -products[:, :-1]], axis=1)
        path: Floats = products + np.logaddexp.accumulate(begun, axis=1)
        return path
