"""How far two models' answers to the same rows lie apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipelines.schema import Task


def distance(left: NDArray[np.float64], right: NDArray[np.float64], task: Task) -> float:
    """The largest difference of any answer; infinite when one is not a number or is missing.

    Probabilities are compared as they are. The values of a regression have a unit, and float32
    holds seven digits of them whatever it is, so their differences count relative to the value
    where it is larger than 1.
    """
    if left.shape != right.shape:
        return float("inf")
    if left.size == 0:
        return 0.0
    apart = np.abs(left - right)
    if task == "regression":
        apart = apart / np.maximum(1.0, np.abs(left))
    worst = float(apart.max())
    return worst if np.isfinite(worst) else float("inf")
