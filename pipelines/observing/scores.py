"""How far two answers to the same rows are apart, and whether an answer is one at all. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.rollout.evidence import ShadowPairs
from pipelines.rollout.plan import Scale
from pipelines.schema import Task
from pipelines.statistics.sequential.bounded_mean import Moments

# Ten float32 probabilities do not add up to 1 exactly, and one may be a hair above it.
_SLACK = 1e-4


def is_valid(scores: NDArray[np.float64], task: Task) -> bool:
    """Whether every score is a number, and a probability where one is asked for.

    Args:
        scores: shape (rows, values of a row).
        task: of the model.
    """
    if not np.isfinite(scores).all():
        return False
    if task == "regression":
        return True
    return bool(((scores >= -_SLACK) & (scores <= 1 + _SLACK)).all())


def matrix(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores of any task with a column each, shape (rows, values of a row)."""
    return scores if scores.ndim == 2 else scores[:, None]


def gaps(
    left: NDArray[np.float64], right: NDArray[np.float64], task: Task, scale: Scale
) -> NDArray[np.float64]:
    """The distance of two answers to each row, 0 to 1.

    Of probabilities it is the largest chance that the two could give any set of classes apart
    (the total variation); of values their distance as a share of `scale.span`, at most 1. What is
    no number is as far away as can be.

    Args:
        left, right: shape (rows, values of a row).
        task: of the model.
        scale: of its values; not used for classes.

    Returns:
        Shape (rows,).
    """
    apart = np.abs(left - right)
    if task == "regression":
        found = apart[:, 0] / scale.span
    elif task == "binary":
        found = apart[:, 0]
    else:
        found = apart.sum(axis=1) / 2
    return np.clip(np.where(np.isfinite(found), found, 1.0), 0.0, 1.0)


def disagreements(left: NDArray[Any], right: NDArray[Any]) -> NDArray[np.float64]:
    """1 for each row whose labels differ, else 0; shape (rows,)."""
    return (left != right).astype(np.float64)


def pair(disagreement: float, gap: float) -> ShadowPairs:
    """One pair: of a request with several rows, their means, as the rows of one client hang
    together and are not evidence of their own each."""
    return ShadowPairs(
        Moments(1, disagreement, disagreement**2),
        Moments(1, gap, gap**2),
    )
