"""The same model on parts of the rows: where is it better, and where is it worse?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.evaluation.metrics import Certainty, Labels, Scores, auc_interval
from pipelines.statistics.blocks import Blocks
from pipelines.statistics.estimate import Interval

# Below so many rows of either class an AUC says more of chance than of the model.
FEWEST_OF_A_CLASS = 30


@dataclass(frozen=True)
class Slice:
    """One value of one column. `auc` is None where there are too few rows to say."""

    column: str
    value: str
    rows: int
    positives: int
    mean_score: float
    auc: Interval | None


def slices(
    columns: dict[str, npt.NDArray[np.object_]],
    labels: Labels,
    scores: Scores,
    blocks: Blocks,
    certainty: Certainty,
) -> list[Slice]:
    """Every value of every column, in the order of the columns, the largest first."""
    found = []
    for column, values in columns.items():
        names, of_row, counts = np.unique(
            values.astype(str), return_inverse=True, return_counts=True
        )
        for place in np.lexsort((names, -counts)):
            mask = of_row == place
            found.append(
                _slice(
                    column,
                    str(names[place]),
                    labels[mask],
                    scores[mask],
                    blocks.where(mask),
                    certainty,
                )
            )
    return found


def _slice(
    column: str,
    value: str,
    labels: Labels,
    scores: Scores,
    blocks: Blocks,
    certainty: Certainty,
) -> Slice:
    positives = int(labels.sum())
    is_enough = min(positives, len(labels) - positives) >= FEWEST_OF_A_CLASS and blocks.count > 1
    return Slice(
        column=column,
        value=value,
        rows=len(labels),
        positives=positives,
        mean_score=float(scores.mean()),
        auc=auc_interval(labels, scores, blocks, certainty) if is_enough else None,
    )
