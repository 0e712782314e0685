"""What a model that knows nothing would reach, and how far luck alone takes it from there."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pipelines.schema import Task
from pipelines.statistics.arrays import Array, Floats
from pipelines.statistics.auc import auc, chance_standard_error


@dataclass(frozen=True)
class Chance:
    """A measure of scores against labels that have nothing to do with them.

    Attributes:
        measure: AUC, accuracy, or the correlation of values and truth.
        value: what was reached.
        expected: what knowing nothing reaches on average.
        standard_error: of that, for so many rows; NaN where there is none.
    """

    measure: str
    value: float
    expected: float
    standard_error: float


def chance(task: Task, labels: Array, scores: Floats) -> Chance:
    """Measure what scores reach on labels that were permuted.

    All three are exact for a random permutation, or bounds of it: the AUC's variance without
    ties (Mann and Whitney 1947), the expected number of matches of two independent labellings,
    and the variance 1 / (n - 1) of a correlation (Pitman 1937).
    """
    if task == "binary":
        positives = int(labels.sum())
        negatives = labels.size - positives
        if not positives or not negatives:
            return Chance("AUC", math.nan, 0.5, math.nan)
        error = chance_standard_error(positives, negatives)
        return Chance("AUC", auc(labels, scores), 0.5, error)
    if task == "multiclass":
        return _matches(labels.astype(np.int64), scores.argmax(axis=1), scores.shape[1])
    if labels.size < 2 or np.ptp(labels) == 0 or np.ptp(scores) == 0:
        # A constant finds nothing, wherever it lies.
        return Chance("correlation", 0.0, 0.0, 1 / math.sqrt(max(labels.size - 1, 1)))
    found = float(np.corrcoef(labels, scores)[0, 1])
    return Chance("correlation", found, 0.0, 1 / math.sqrt(labels.size - 1))


def _matches(labels: Array, decided: Array, classes: int) -> Chance:
    is_one = np.bincount(labels, minlength=classes) / labels.size
    is_said = np.bincount(decided, minlength=classes) / labels.size
    expected = float(is_one @ is_said)
    spread = math.sqrt(max(expected * (1 - expected), 1 / labels.size) / labels.size)
    return Chance("accuracy", float((labels == decided).mean()), expected, spread)
