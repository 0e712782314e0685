"""Metrics of one model on one set of rows, each with its interval."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

from pipelines.evaluation.names import METRICS, Metric
from pipelines.schema import Task
from pipelines.statistics import block_measures, bootstrap, quality
from pipelines.statistics.arrays import Array, Floats
from pipelines.statistics.block_measures import Measure
from pipelines.statistics.blocks import Blocks
from pipelines.statistics.estimate import Interval
from pipelines.statistics.losses import absolute_error_rows, brier_rows, log_loss_rows


@dataclass(frozen=True)
class Certainty:
    """How intervals are made: resampled blocks (days or groups), or rows if each is its own."""

    rounds: int
    confidence: float
    seed: int


def measure(
    task: Task, labels: Array, scores: Floats, blocks: Blocks, certainty: Certainty
) -> dict[str, dict[str, float]]:
    """Every metric of the task: value, low and high of each.

    Raises:
        DataError: there is one class only, or fewer than two blocks.
    """
    found = {METRICS[task][0].key: quality_interval(task, labels, scores, blocks, certainty)}
    merged = blocks.merged(block_measures.TABLE_BLOCKS, certainty.seed)
    for key, measured in _measures(task, labels, scores, merged):
        found[key] = bootstrap.interval(
            measured, merged, certainty.rounds, certainty.confidence, certainty.seed
        )
    return {metric.key: asdict(_bounded(found[metric.key], metric)) for metric in METRICS[task]}


def quality_interval(
    task: Task, labels: Array, scores: Floats, blocks: Blocks, certainty: Certainty
) -> Interval:
    """The measure that models of the task are compared by, with its interval."""
    estimate = quality.estimate(task, labels, scores, blocks, certainty.rounds, certainty.seed)
    return _bounded(estimate.interval(certainty.confidence), METRICS[task][0])


def _measures(
    task: Task, labels: Array, scores: Floats, blocks: Blocks
) -> Iterator[tuple[str, Measure]]:
    if task == "regression":
        yield "rmse", block_measures.root_mean_square(absolute_error_rows(labels, scores), blocks)
        yield "r2", block_measures.explained_share(labels, scores, blocks)
        yield "bias", block_measures.mean(scores - labels, blocks)
        return
    if task == "multiclass":
        decided, classes = scores.argmax(axis=1), scores.shape[1]
        yield "macro_f1", block_measures.macro_f1(labels, decided, classes, blocks)
    yield "log_loss", block_measures.mean(log_loss_rows(labels, scores), blocks)
    yield "brier", block_measures.mean(brier_rows(labels, scores), blocks)
    yield "ece", block_measures.calibration_error(labels, scores, blocks)


def _bounded(interval: Interval, metric: Metric) -> Interval:
    """No loss is negative and no share above 1, whatever a symmetric interval says."""
    return Interval(
        interval.value, max(metric.lowest, interval.low), min(metric.highest, interval.high)
    )


def confusion(labels: Array, scores: Floats) -> list[list[int]]:
    """How many rows of each class (rows) were taken for each class (columns)."""
    classes = scores.shape[1]
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (labels.astype(np.int64), scores.argmax(axis=1)), 1)
    table: list[list[int]] = counts.tolist()
    return table
