"""What a model answered, as columns of the output."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from pipelines.inference.session import Prediction
from pipelines.schema import Schema


def layout(schema: Schema) -> list[pa.Field]:
    """The columns of an answer.

    binary: `probability` of class 1 and `label`, 0 or 1; multiclass: the `probability` of the
    `label`, its name, and the probability of each class as `probability_NAME`; regression:
    `value`.
    """
    if schema.task == "regression":
        return [pa.field("value", pa.float64())]
    decided = pa.int8() if schema.task == "binary" else pa.string()
    each = [pa.field(f"probability_{name}", pa.float64()) for name in schema.classes]
    return [pa.field("probability", pa.float64()), pa.field("label", decided), *each]


def columns(schema: Schema, prediction: Prediction) -> list[pa.Array]:
    """The answers to a batch in the columns of `layout`."""
    scores, labels = prediction.scores, prediction.labels
    if schema.task == "regression":
        return [pa.array(scores)]
    if schema.task == "binary":
        return [pa.array(scores), pa.array(labels).cast(pa.int8())]
    names = pa.DictionaryArray.from_arrays(pa.array(labels), pa.array(schema.classes))
    said = scores[np.arange(len(labels)), labels]
    each = [pa.array(np.ascontiguousarray(column)) for column in scores.T]
    return [pa.array(said), names.cast(pa.string()), *each]
