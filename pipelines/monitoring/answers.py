"""Answers of a model of any task, as what can be compared and what can be lost by them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.monitoring.columns import PROBABILITY
from pipelines.predictions.layout import OUTPUT
from pipelines.schema import LABEL, PROBABILITIES, VALUE, Schema
from pipelines.statistics.arrays import Array, Floats
from pipelines.statistics.losses import absolute_error_rows, brier_rows

CONFIDENCE = "confidence"


class Scored(NamedTuple):
    """What a model said of rows.

    Attributes:
        scores: the probability of the event or the value, shape (rows,), or of each class, shape
            (rows, classes).
        labels: the place of the class that it decided for, shape (rows,).
    """

    scores: Floats
    labels: NDArray[np.int64]


def scores_of(batch: pa.RecordBatch | pa.Table, schema: Schema) -> Floats:
    """The scores in rows of the prediction log, NaN where there is none; shape as `Scored`."""
    name = {"binary": PROBABILITY, "regression": VALUE, "multiclass": PROBABILITIES}[schema.task]
    column = batch.column(OUTPUT + name)
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if schema.task != "multiclass":
        return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)
    width = len(schema.classes)
    scores = np.full((len(column), width), np.nan)
    there = column.is_valid().to_numpy(zero_copy_only=False)
    scores[there] = column.drop_null().flatten().to_numpy(zero_copy_only=False).reshape(-1, width)
    return scores


def output_columns(scored: Scored, schema: Schema) -> tuple[dict[str, Floats], dict[str, Array]]:
    """What is compared of answers: numbers and names, shape (rows,) each.

    Of several classes: how sure the model is, and which class it decides for. One column a class
    would be many tests of the same thing.
    """
    if schema.task == "binary":
        return {PROBABILITY: scored.scores}, {}
    if schema.task == "regression":
        return {VALUE: scored.scores}, {}
    names = np.array(schema.classes, dtype=np.object_)[scored.labels]
    return {CONFIDENCE: scored.scores.max(axis=1)}, {LABEL: names}


def losses(schema: Schema, truth: Array, scores: Floats, scale: float) -> Floats:
    """How wrong each answer is, 0 to 1, shape (rows,).

    The squared error of probabilities; of a regression the absolute error over `scale`, at most 1.

    Raises:
        DataError: there are no rows, or a label is none of the task.
    """
    if schema.task == "regression":
        return np.minimum(absolute_error_rows(truth, scores) / scale, 1.0)
    return brier_rows(truth, scores)


def truths(labels: pa.ChunkedArray | pa.Array, schema: Schema) -> Floats:
    """Texts of the feedback store as numbers, NaN where one is no label of this model."""
    if schema.task == "multiclass":
        known = {name: float(place) for place, name in enumerate(schema.classes)}
    elif schema.task == "binary":
        known = {"0": 0.0, "1": 1.0}
    else:
        return np.array([_number(text) for text in labels.to_pylist()], dtype=np.float64)
    return np.array([known.get(text, np.nan) for text in labels.to_pylist()], dtype=np.float64)


def _number(text: str | None) -> float:
    try:
        return float(text) if text is not None else np.nan
    except ValueError:
        return np.nan
