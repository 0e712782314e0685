"""The answer of a model that looks at nothing: what any other has to beat."""

from __future__ import annotations

import numpy as np

from pipelines.schema import Schema, Task
from pipelines.statistics.arrays import Array, Floats


def best_constant(labels: Array, schema: Schema) -> Floats:
    """The best answer without looking at a row: the share of each class, or the median.

    Returns:
        Shape (classes,), for a binary task (2,); shape (1,) for a regression, whose measure, the
        mean absolute error, the median makes smallest.
    """
    if schema.task == "regression":
        return np.array([np.median(labels)], dtype=np.float64)
    counts = np.bincount(labels, minlength=len(schema.classes) or 2)
    return np.asarray(counts / len(labels), dtype=np.float64)


def repeated(answer: Floats, rows: int, task: Task) -> Floats:
    """The constant as the scores of so many rows; shape (rows,), or (rows, classes)."""
    if task == "multiclass":
        return np.tile(answer, (rows, 1))
    return np.full(rows, answer[-1])
