"""The area under the ROC curve: the chance that a positive outranks a negative, ties for half."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.statistics.arrays import Array, Floats, both_classes, midranks


@dataclass(frozen=True)
class RocCurve:
    """One point a threshold, from (0, 0) to (1, 1); all three have the same shape (points,)."""

    false_positive_rate: Floats
    true_positive_rate: Floats
    threshold: Floats


def auc(labels: Array, scores: Floats) -> float:
    """Mann-Whitney form of the AUC, in 0 to 1 (Hanley and McNeil 1982).

    Args:
        labels: shape (rows,), 0 or 1.
        scores: shape (rows,), higher for the event; finite.

    Raises:
        DataError: no rows, other labels than 0 and 1, or one class only.
    """
    is_positive = both_classes(labels)
    positives = int(is_positive.sum())
    negatives = labels.size - positives
    ranks = midranks(scores)[is_positive].sum()
    return float((ranks - positives * (positives + 1) / 2) / (positives * negatives))


def weighted_auc(labels: Array, scores: Floats, weights: Floats) -> float:
    """The AUC when row i counts `weights[i]` times.

    Args:
        labels: shape (rows,), 0 or 1.
        scores: shape (rows,), finite.
        weights: shape (rows,), not negative. A whole number is a repetition, which makes this
            the AUC of a resample without building it.

    Raises:
        DataError: as `auc` does.
    """
    is_positive = both_classes(labels)
    _, tie = np.unique(scores, return_inverse=True)
    won = np.bincount(tie, np.where(is_positive, weights, 0.0))
    lost = np.bincount(tie, np.where(is_positive, 0.0, weights))
    below = np.cumsum(lost) - lost / 2
    return float(won @ below / (won.sum() * lost.sum()))


def roc_curve(labels: Array, scores: Floats) -> RocCurve:
    """The points of the ROC curve, one for every distinct score, highest threshold first.

    Raises:
        DataError: as `auc` does.
    """
    is_positive = both_classes(labels)
    distinct, tie = np.unique(scores, return_inverse=True)
    positives = np.bincount(tie, is_positive)[::-1]
    negatives = np.bincount(tie, ~is_positive)[::-1]
    return RocCurve(
        false_positive_rate=np.r_[0.0, np.cumsum(negatives) / negatives.sum()],
        true_positive_rate=np.r_[0.0, np.cumsum(positives) / positives.sum()],
        threshold=np.r_[np.inf, distinct[::-1]].astype(np.float64),
    )


def chance_standard_error(positives: int, negatives: int) -> float:
    """Standard error of the AUC of scores that know nothing of the labels.

    The exact variance of the Mann-Whitney statistic without ties (Mann and Whitney 1947), which
    is an upper bound with ties.
    """
    return float(np.sqrt((positives + negatives + 1) / (12 * positives * negatives)))
