"""Measures as functions of how often each block counts: what a block bootstrap draws from.

Each function here does the work on rows once and returns a `Measure` that is cheap to ask for
thousands of resamples: it takes weights of shape (resamples, blocks), the number of times that a
resample holds each block, and returns the measure of each, shape (resamples,). NaN marks a
resample that has no answer (one class only).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pipelines.statistics.arrays import Array, Floats, Mask, both_classes
from pipelines.statistics.blocks import Blocks
from pipelines.statistics.calibration import confidence, equal_mass_bins

Measure = Callable[[Floats], Floats]

# A table of blocks x blocks pairs is what makes a resample cheap; it must stay small.
TABLE_BLOCKS = 400


def mean(values: Floats, blocks: Blocks) -> Measure:
    """The mean of a value by row: a loss, or the paired difference of two."""
    totals, rows = blocks.total(values), blocks.total(np.ones_like(values))
    return lambda weights: (weights @ totals) / (weights @ rows)


def auc(labels: Array, scores: Floats, blocks: Blocks) -> Measure:
    """The AUC, ties for half.

    Raises:
        DataError: no rows, other labels than 0 and 1, or one class only.
    """
    is_positive = both_classes(labels)
    return _auc_from_table(_won_pairs(is_positive, scores, blocks), is_positive, blocks)


def auc_difference(labels: Array, first: Floats, second: Floats, blocks: Blocks) -> Measure:
    """AUC of `first` minus AUC of `second`, on the same resample.

    Raises:
        DataError: as `auc` does.
    """
    is_positive = both_classes(labels)
    won = _won_pairs(is_positive, first, blocks) - _won_pairs(is_positive, second, blocks)
    return _auc_from_table(won, is_positive, blocks)


def root_mean_square(errors: Floats, blocks: Blocks) -> Measure:
    """The root of the mean square of errors by row."""
    squared = mean(np.square(errors), blocks)
    return lambda weights: np.sqrt(squared(weights))


def explained_share(truth: Array, values: Floats, blocks: Blocks) -> Measure:
    """R squared: the share of the variance of the truth that the values explain; at most 1."""
    rows = blocks.total(np.ones(truth.size))
    left, total = blocks.total(np.square(truth - values)), blocks.total(truth)
    square = blocks.total(np.square(truth))

    def measure(weights: Floats) -> Floats:
        there = weights @ square - np.square(weights @ total) / (weights @ rows)
        return 1 - _share(weights @ left, there)

    return measure


def macro_f1(labels: Array, decided: Array, classes: int, blocks: Blocks) -> Measure:
    """The F1 score of each class, averaged over the classes that a resample holds."""
    is_one = labels.astype(np.int64)[:, None] == np.arange(classes)
    is_said = decided.astype(np.int64)[:, None] == np.arange(classes)

    def by_class(rows: Mask) -> Floats:
        return np.column_stack([blocks.total(rows[:, each]) for each in range(classes)])

    hits, said, there = by_class(is_one & is_said), by_class(is_said), by_class(is_one)

    def measure(weights: Floats) -> Floats:
        found = _share(2 * (weights @ hits), weights @ said + weights @ there)
        is_held = weights @ there > 0
        return np.where(is_held, found, 0.0).sum(axis=1) / is_held.sum(axis=1)

    return measure


def calibration_error(
    labels: Array, probabilities: Floats, blocks: Blocks, bins: int = 10
) -> Measure:
    """The expected calibration error, with the bins of all rows kept for every resample."""
    labels, probabilities = confidence(labels, probabilities)
    bin_of_row = equal_mass_bins(probabilities, bins)
    gaps = np.zeros((blocks.count, int(bin_of_row.max()) + 1))
    np.add.at(gaps, (blocks.of_row, bin_of_row), probabilities - labels)
    rows = blocks.total(np.ones(labels.size))
    return lambda weights: np.abs(weights @ gaps).sum(axis=1) / (weights @ rows)


def difference(first: Measure, second: Measure) -> Measure:
    """`first` minus `second`, on the same resample."""
    return lambda weights: first(weights) - second(weights)


def _won_pairs(is_positive: Mask, scores: Floats, blocks: Blocks) -> Floats:
    """Shape (blocks, blocks): pairs that the positives of a row's block win over a column's."""
    own = blocks.of_row[is_positive]
    table = np.zeros((blocks.count, blocks.count))
    for column in range(blocks.count):
        rivals = np.sort(scores[~is_positive & (blocks.of_row == column)])
        won = np.searchsorted(rivals, scores[is_positive], side="left")
        won_or_tied = np.searchsorted(rivals, scores[is_positive], side="right")
        table[:, column] = np.bincount(own, (won + won_or_tied) / 2, minlength=blocks.count)
    return table


def _auc_from_table(won: Floats, is_positive: Mask, blocks: Blocks) -> Measure:
    positives, negatives = blocks.total(is_positive), blocks.total(~is_positive)

    def measure(weights: Floats) -> Floats:
        pairs = (weights @ positives) * (weights @ negatives)
        return _share(((weights @ won) * weights).sum(axis=1), pairs)

    return measure


def _share(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)
