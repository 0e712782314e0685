"""Do probabilities mean what they say? Reliability by bins of equal mass.

Equal-mass bins, because most rows of a rare event share the lowest of ten equal-width bins
(Nguyen and O'Connor 2015). Equal scores are never put into two bins, so a model that says the
same for every row has one bin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.statistics.arrays import Array, Floats, Indices, positives_of


@dataclass(frozen=True)
class ReliabilityPoint:
    """One bin: what was said on average, how often it happened, and over how many rows."""

    mean_probability: float
    observed_rate: float
    rows: int


def confidence(labels: Array, probabilities: Floats) -> tuple[Array, Floats]:
    """What calibration is about, as 0 or 1 and its probability, shape (rows,) each.

    With one column of probabilities that is the event. With one a class it is whether the most
    probable class is the true one, and how probable it was said to be (Guo et al. 2017).
    """
    if probabilities.ndim == 1:
        return labels, probabilities
    decided = probabilities.argmax(axis=1)
    return (decided == labels).astype(np.int64), probabilities.max(axis=1)


def equal_mass_bins(probabilities: Floats, bins: int) -> Indices:
    """The bin of each row, shape (rows,), numbered from 0 without gaps; at most `bins` of them."""
    inner = np.quantile(probabilities, np.arange(1, bins) / bins)
    raw = np.searchsorted(np.unique(inner), probabilities, side="right")
    return np.unique(raw, return_inverse=True)[1].astype(np.int64)


def reliability_curve(
    labels: Array, probabilities: Floats, bins: int = 10
) -> tuple[ReliabilityPoint, ...]:
    """The points of the reliability curve, lowest probability first.

    Raises:
        DataError: no rows, or other labels than 0 and 1 for one column of probabilities.
    """
    labels, probabilities = confidence(labels, probabilities)
    happened = positives_of(labels)
    bin_of_row = equal_mass_bins(probabilities, bins)
    rows = np.bincount(bin_of_row)
    said = np.bincount(bin_of_row, probabilities) / rows
    seen = np.bincount(bin_of_row, happened) / rows
    return tuple(
        ReliabilityPoint(float(mean), float(rate), int(count))
        for mean, rate, count in zip(said, seen, rows, strict=True)
    )


def expected_calibration_error(labels: Array, probabilities: Floats, bins: int = 10) -> float:
    """Mean distance between what is said and what happens, weighted by rows, in 0 to 1.

    Noise alone makes it positive: about 0.8 standard errors of a bin's rate, even for a perfect
    model. Compare two models on the same rows rather than one with zero. (Naeini, Cooper and
    Hauskrecht 2015, with equal-mass bins.)

    Raises:
        DataError: no rows, or other labels than 0 and 1.
    """
    curve = reliability_curve(labels, probabilities, bins)
    gaps = sum(abs(point.mean_probability - point.observed_rate) * point.rows for point in curve)
    return gaps / labels.size
