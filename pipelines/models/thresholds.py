"""Thresholds of trees as float32 numbers, so that a graph in float32 splits where training did.

The graph compares float32 values with float32 thresholds. Rounding a float64 threshold to the
nearest float32 may lift it over a value that it lay below, which sends that value down the other
branch (seen: 0.006 in probability). For a float32 x, x <= t holds exactly when x <= the largest
float32 that is not above t, so thresholds are rounded down instead: the trees answer exactly the
same, and so does the graph.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def floored(exact: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The largest float32 numbers that are not above `exact`, as float64."""
    lowered = exact.astype(np.float32)
    is_above = lowered.astype(np.float64) > exact
    lowered[is_above] = np.nextafter(lowered[is_above], np.float32(-np.inf))
    return lowered.astype(np.float64)
