"""Losses of probabilities, by row, so that they can be averaged, paired and resampled."""

from __future__ import annotations

import numpy as np

from pipelines.statistics.arrays import Array, Floats, Mask, positives_of

# A probability of exactly 0 or 1 that is wrong costs an infinite log loss; one such row would
# then be the whole measure. Double precision is as near as a probability is worth.
_NEAREST = float(np.finfo(np.float64).eps)


def brier_rows(labels: Array, probabilities: Floats) -> Floats:
    """Squared error of each row's probabilities, shape (rows,), in 0 to 1 (Brier 1950).

    Args:
        labels: 0 or 1, or class numbers.
        probabilities: of class 1, shape (rows,), or of each class, shape (rows, classes). For
            the latter half the sum over classes is taken, so that two classes give the same
            whether they are written in one column or in two.

    Raises:
        DataError: no rows, or other labels than 0 and 1 for one column.
    """
    if probabilities.ndim > 1:
        missed = np.square(probabilities - _one_hot(labels, probabilities.shape[1]))
        return np.asarray(missed.sum(axis=1) / 2, dtype=np.float64)
    return np.square(probabilities - positives_of(labels))


def log_loss_rows(labels: Array, probabilities: Floats) -> Floats:
    """Minus the log of the probability of what happened, shape (rows,), in nats.

    Raises:
        DataError: no rows, or other labels than 0 and 1 for one column.
    """
    if probabilities.ndim > 1:
        of_truth = probabilities[np.arange(labels.size), labels.astype(np.int64)]
    else:
        of_truth = np.where(positives_of(labels), probabilities, 1.0 - probabilities)
    return np.asarray(-np.log(np.clip(of_truth, _NEAREST, 1.0)), dtype=np.float64)


def correct_rows(labels: Array, probabilities: Floats, threshold: float = 0.5) -> Mask:
    """Whether each row is on the right side of the threshold, shape (rows,).

    Raises:
        DataError: no rows, or other labels than 0 and 1.
    """
    return np.equal(probabilities >= threshold, positives_of(labels))


def hit_rows(labels: Array, probabilities: Floats) -> Mask:
    """Whether the most probable class is the true one, shape (rows,)."""
    return np.equal(probabilities.argmax(axis=1), labels)


def absolute_error_rows(truth: Array, values: Floats) -> Floats:
    """How far each value is off, shape (rows,), in the unit of the truth."""
    return np.abs(values - truth)


def _one_hot(labels: Array, classes: int) -> Mask:
    """Shape (rows, classes): true in the column of each row's class."""
    return np.equal(labels.astype(np.int64)[:, None], np.arange(classes)[None, :])


def brier(labels: Array, probabilities: Floats) -> float:
    """Mean of `brier_rows`."""
    return float(brier_rows(labels, probabilities).mean())


def log_loss(labels: Array, probabilities: Floats) -> float:
    """Mean of `log_loss_rows`, in nats."""
    return float(log_loss_rows(labels, probabilities).mean())


def accuracy(labels: Array, probabilities: Floats, threshold: float = 0.5) -> float:
    """Share of rows on the right side of the threshold."""
    return float(correct_rows(labels, probabilities, threshold).mean())
