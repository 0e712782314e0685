"""The quality that a model's own probabilities promise, when nobody has told the truth yet.

If a probability means what it says, so many of the rows with it are events, and the AUC or the
accuracy that can be expected follows without a label. It sees rows becoming harder to tell apart;
it cannot see that the same rows mean something else by now (Garg et al. 2022; Ribeiro et al. on
confidence-based performance estimation). The probabilities are calibrated on labelled rows first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.statistics.arrays import Array, Floats, Indices
from pipelines.statistics.calibration import reliability_curve


@dataclass(frozen=True, eq=False)
class Calibration:
    """What a probability meant on labelled rows.

    Attributes:
        said: shape (bins,), the mean probability of each bin, rising.
        was: shape (bins,), how often the event came.
    """

    said: Floats
    was: Floats

    @classmethod
    def of(cls, labels: Array, probabilities: Floats, bins: int = 20) -> Calibration:
        """Learn it from rows: labels and probabilities as `reliability_curve` takes them."""
        curve = reliability_curve(labels, probabilities, bins)
        said = np.array([point.mean_probability for point in curve])
        was = np.array([point.observed_rate for point in curve])
        return cls(said, was)

    def __call__(self, probabilities: Floats) -> Floats:
        """What probabilities mean, shape as given; between bins along a straight line."""
        return np.asarray(np.interp(probabilities, self.said, self.was), dtype=np.float64)


def expected_auc(meant: Floats, weights: Indices) -> float:
    """The AUC that can be expected of scores in rising order.

    Args:
        meant: shape (scores,), the calibrated probability of each score.
        weights: shape (scores,), how many rows have it.

    Returns:
        0.5 when all rows are certain to be of one class, which promises nothing.
    """
    events, others = meant * weights, (1 - meant) * weights
    below = np.cumsum(others) - others / 2
    pairs = float(events.sum() * others.sum())
    return float(events @ below) / pairs if pairs > 0 else 0.5


def expected_accuracy(meant: Floats, weights: Indices) -> float:
    """The accuracy that can be expected of classes that were decided with this confidence."""
    rows = float(weights.sum())
    return float(meant @ weights) / rows if rows else 0.0
