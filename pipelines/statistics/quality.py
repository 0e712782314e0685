"""The one measure by which models of a task are compared, tuned and gated.

- binary: the AUC, which needs no threshold;
- multiclass: accuracy, the share of rows whose most probable class is the true one;
- regression: the mean absolute error, in the unit of the target; lower is better.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pipelines.schema import Task
from pipelines.statistics import block_measures, bootstrap, delong
from pipelines.statistics.arrays import Array, Floats
from pipelines.statistics.auc import auc
from pipelines.statistics.blocks import Blocks
from pipelines.statistics.estimate import Estimate
from pipelines.statistics.losses import absolute_error_rows, hit_rows


@dataclass(frozen=True)
class Quality:
    """What the measure of a task is called.

    Attributes:
        key: in metrics.json.
        name: for a person.
        is_loss: whether lower is better.
    """

    key: str
    name: str
    is_loss: bool


QUALITIES: dict[Task, Quality] = {
    "binary": Quality("auc", "AUC", is_loss=False),
    "multiclass": Quality("accuracy", "accuracy", is_loss=False),
    "regression": Quality("mae", "mean absolute error", is_loss=True),
}


def value(task: Task, labels: Array, scores: Floats) -> float:
    """The measure on all rows.

    Raises:
        DataError: there are no rows, or, for the AUC, one class only.
    """
    if task == "binary":
        return auc(labels, scores)
    return float(rows(task, labels, scores).mean())


def goodness(task: Task, labels: Array, scores: Floats) -> float:
    """The measure with its sign turned where lower is better, for a search that maximises."""
    found = value(task, labels, scores)
    return -found if QUALITIES[task].is_loss else found


def rows(task: Task, labels: Array, scores: Floats) -> Floats:
    """The measure by row, shape (rows,), for the tasks whose measure is a mean over rows."""
    if task == "multiclass":
        return hit_rows(labels, scores).astype(np.float64)
    assert task == "regression", "an AUC is no mean over rows"
    return absolute_error_rows(labels, scores)


def estimate(
    task: Task, labels: Array, scores: Floats, blocks: Blocks, rounds: int, seed: int
) -> Estimate:
    """The measure with its standard error.

    Raises:
        DataError: as `value`, or there are fewer than two blocks.
    """
    if task != "binary":
        return of_mean(rows(task, labels, scores), blocks, rounds, seed)
    if blocks.are_rows:
        return delong.auc_estimate(labels, scores)
    return bootstrap.estimate(block_measures.auc(labels, scores, blocks), blocks, rounds, seed)


def difference(
    task: Task, labels: Array, pair: tuple[Floats, Floats], blocks: Blocks, rounds: int, seed: int
) -> Estimate:
    """How much better the first of a pair of models is on the same rows; positive is better.

    DeLong's for the AUC of independent rows, the paired mean for the others, and the block
    bootstrap where rows come in blocks.

    Raises:
        DataError: as `estimate`.
    """
    first, second = pair
    if task != "binary":
        gained = rows(task, labels, first) - rows(task, labels, second)
        return of_mean(-gained if QUALITIES[task].is_loss else gained, blocks, rounds, seed)
    if blocks.are_rows:
        return delong.paired_difference(labels, first, second)
    merged = blocks.merged(block_measures.TABLE_BLOCKS, seed)
    measure = block_measures.auc_difference(labels, first, second, merged)
    return bootstrap.estimate(measure, merged, rounds, seed)


def of_mean(values: Floats, blocks: Blocks, rounds: int, seed: int) -> Estimate:
    """The mean of a value by row with its standard error."""
    if blocks.are_rows and values.size > 1:
        error = float(values.std(ddof=1)) / math.sqrt(values.size)
        return Estimate(float(values.mean()), error, degrees=values.size - 1, units=values.size)
    merged = blocks.merged(block_measures.TABLE_BLOCKS, seed)
    return bootstrap.estimate(block_measures.mean(values, merged), merged, rounds, seed)
