"""Is a rate of bad events below a limit?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pipelines.statistics.arrays import Floats
from pipelines.statistics.sequential.mixture import log_mean_exp

POINTS = 40


def log_e_below(requests: ArrayLike, bad: ArrayLike, limit: float) -> Floats:
    """The logarithm of an e-process against H0: at least `limit` of the requests are bad.

    The mean over rates p below the limit of (p/limit)^bad ((1-p)/(1-limit))^(requests-bad), the
    likelihood ratio of Wald (1945) mixed over its alternative. The counts are all there is to
    keep between looks.

    Args:
        requests: shape (...), requests so far.
        bad: shape (...), the bad ones among them.
        limit: the rate that is promised not to be reached, 0 < limit < 1.

    Returns:
        Shape (...).
    """
    # Down to a thousandth of the limit: rarer than that, hardly a bad event is ever seen.
    rates = limit * np.geomspace(0.001, 0.95, POINTS)
    wrong = np.asarray(bad, dtype=np.float64)[..., None]
    right = np.asarray(requests, dtype=np.float64)[..., None] - wrong
    logs = wrong * np.log(rates / limit) + right * (np.log1p(-rates) - np.log1p(-limit))
    return log_mean_exp(logs)
