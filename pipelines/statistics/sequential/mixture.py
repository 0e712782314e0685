"""Means of e-processes, and what a mean has to reach."""

from __future__ import annotations

import math

import numpy as np

from pipelines.statistics.arrays import Floats


def log_mean_exp(logs: Floats) -> Floats:
    """The logarithm of the mean e-process over the last axis.

    Args:
        logs: shape (..., processes), logarithms of e-processes; each finite.

    Returns:
        Shape (...).
    """
    # Without the maximum taken out, a thousand clean events would underflow to log(0).
    highest = logs.max(axis=-1, keepdims=True)
    mean: Floats = highest[..., 0] + np.log(np.exp(logs - highest).mean(axis=-1))
    return mean


def log_threshold(alpha: float) -> float:
    """What the logarithm of an e-process reaches by chance with a chance of `alpha` at most."""
    return -math.log(alpha)
