"""The same model on parts of the rows: where is it better, and where is it worse?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.evaluation.metrics import Certainty, quality_interval
from pipelines.schema import Task
from pipelines.statistics.arrays import Array, Floats
from pipelines.statistics.blocks import Blocks
from pipelines.statistics.estimate import Interval

# Below so many rows (of either class, for an AUC) a measure says more of chance than of the model.
FEWEST_ROWS = 30


@dataclass(frozen=True)
class Slice:
    """One value of one column.

    Attributes:
        column, value: which rows.
        rows: how many.
        observed: the share of the event, or the mean of the values; None for several classes.
        predicted: the same of what the model says.
        quality: the measure of the task; None where there are too few rows to say.
    """

    column: str
    value: str
    rows: int
    observed: float | None
    predicted: float | None
    quality: Interval | None


def slices(
    task: Task,
    columns: dict[str, npt.NDArray[np.object_]],
    answers: tuple[Array, Floats],
    blocks: Blocks,
    certainty: Certainty,
) -> list[Slice]:
    """Every value of every column, in the order of the columns, the largest first.

    Args:
        task: of the model.
        columns: the values to slice by.
        answers: the labels and the scores of all rows.
        blocks: the day or group of each row.
        certainty: how the intervals are made.
    """
    labels, scores = answers
    found = []
    for column, values in columns.items():
        names, of_row, counts = np.unique(
            values.astype(str), return_inverse=True, return_counts=True
        )
        for place in np.lexsort((names, -counts)):
            mask = of_row == place
            part = labels[mask], scores[mask]
            is_enough = _fewest(task, labels[mask]) >= FEWEST_ROWS
            within = blocks.where(mask)
            found.append(
                Slice(
                    column,
                    str(names[place]),
                    int(mask.sum()),
                    *_means(task, *part),
                    quality_interval(task, *part, within, certainty)
                    if is_enough and within.count > 1
                    else None,
                )
            )
    return found


def _fewest(task: Task, labels: Array) -> int:
    if task != "binary":
        return int(labels.size)
    positives = int(labels.sum())
    return min(positives, labels.size - positives)


def _means(task: Task, labels: Array, scores: Floats) -> tuple[float | None, float | None]:
    if task == "multiclass":
        return None, None
    return float(labels.mean()), float(scores.mean())
