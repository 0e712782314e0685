"""The columns that an answer becomes, for each task."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from pipelines.inference.session import Prediction
from pipelines.schema import Schema
from pipelines.scoring import answers


def _table(schema: Schema, scores: np.ndarray, labels: list[int]) -> dict[str, list[object]]:
    layout = pa.schema(answers.layout(schema))
    columns = answers.columns(schema, Prediction(scores, np.array(labels, dtype=np.int64)))
    made: dict[str, list[object]] = pa.RecordBatch.from_arrays(columns, schema=layout).to_pydict()
    return made


def test_two_classes() -> None:
    found = _table(Schema(("x",), (), "y"), np.array([0.2, 0.7]), [0, 1])
    assert found == {"probability": [0.2, 0.7], "label": [0, 1]}


def test_several_classes_by_name() -> None:
    schema = Schema(("x",), (), "y", task="multiclass", classes=("cat", "dog", "owl"))
    found = _table(schema, np.array([[0.1, 0.2, 0.7], [0.5, 0.3, 0.2]]), [2, 0])
    assert found == {
        "probability": [0.7, 0.5],
        "label": ["owl", "cat"],
        "probability_cat": [0.1, 0.5],
        "probability_dog": [0.2, 0.3],
        "probability_owl": [0.7, 0.2],
    }


def test_values() -> None:
    schema = Schema(("x",), (), "y", task="regression")
    assert _table(schema, np.array([-4.5, 12.0]), [0, 0]) == {"value": [-4.5, 12.0]}
