"""Metrics of one model on one set of rows, each with its interval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from pipelines.statistics import block_measures, bootstrap, delong
from pipelines.statistics.auc import auc
from pipelines.statistics.block_measures import Measure
from pipelines.statistics.blocks import Blocks
from pipelines.statistics.estimate import Estimate, Interval
from pipelines.statistics.losses import brier_rows, log_loss_rows

Labels = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float64]
Shuffled = Callable[[str | None, npt.NDArray[np.int64] | None], Scores]


@dataclass(frozen=True)
class Certainty:
    """How intervals are made: resampled blocks (days or groups), or rows if each is its own."""

    rounds: int
    confidence: float
    seed: int


def measure(
    labels: Labels, scores: Scores, blocks: Blocks, certainty: Certainty
) -> dict[str, dict[str, float]]:
    """AUC, log loss (nats), Brier score and ECE: value, low and high of each.

    Raises:
        DataError: there is one class only, or fewer than two blocks.
    """
    losses: dict[str, Measure] = {
        "log_loss": block_measures.mean(log_loss_rows(labels, scores), blocks),
        "brier": block_measures.mean(brier_rows(labels, scores), blocks),
        "ece": block_measures.calibration_error(labels, scores, blocks),
    }
    found = {"auc": auc_interval(labels, scores, blocks, certainty)}
    for name, loss in losses.items():
        interval = bootstrap.interval(
            loss, blocks, certainty.rounds, certainty.confidence, certainty.seed
        )
        # No loss is negative, whatever a symmetric interval says.
        found[name] = Interval(interval.value, max(0.0, interval.low), interval.high)
    return {name: asdict(interval) for name, interval in found.items()}


def auc_interval(labels: Labels, scores: Scores, blocks: Blocks, certainty: Certainty) -> Interval:
    """The AUC with its interval, within 0 to 1."""
    if blocks.are_rows:
        estimate: Estimate = delong.auc_estimate(labels, scores)
    else:
        estimate = bootstrap.estimate(
            block_measures.auc(labels, scores, blocks), blocks, certainty.rounds, certainty.seed
        )
    interval = estimate.interval(certainty.confidence)
    return Interval(interval.value, max(0.0, interval.low), min(1.0, interval.high))


def importance(
    score: Shuffled, columns: list[str], labels: Labels, seed: int, repeats: int = 3
) -> dict[str, float]:
    """Permutation importance (Breiman 2001): what the AUC loses when a column is shuffled.

    Args:
        score: gives the probabilities of the rows when one column is permuted; (None, None)
            permutes nothing.
        columns: the features.
        labels: of the rows.
        seed: of the permutations.
        repeats: permutations a column, averaged.
    """
    generator = np.random.default_rng(seed)
    whole = auc(labels, score(None, None))
    lost = {
        column: float(
            np.mean(
                [
                    whole - auc(labels, score(column, generator.permutation(len(labels))))
                    for _ in range(repeats)
                ]
            )
        )
        for column in columns
    }
    return dict(sorted(lost.items(), key=lambda item: -item[1]))
