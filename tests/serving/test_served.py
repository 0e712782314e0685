"""What a model answers, task by task, and what its doors are told of it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from pipelines.errors import ModelError
from pipelines.inference.encode import encode_rows
from pipelines.schema import Schema
from pipelines.serving.policy import SERVING_FILE, ServingPolicy
from pipelines.serving.release import RELEASE_FILE
from pipelines.serving.served import Output, Outputs, ServedModel, outputs_of, rows_of
from pipelines.signature import MODEL_FILE, SIGNATURE_FILE
from tests.serving import graphs


def ask(folder: Path, schema: Schema, *rows: dict[str, object]) -> tuple[ServedModel, Outputs]:
    served = graphs.model(folder, schema)
    return served, served.answer(encode_rows(schema, rows))


def test_two_classes_are_a_probability_and_a_label(tmp_path: Path) -> None:
    rows = [graphs.ROW, {"a": -9.0, "b": None, "city": "nowhere"}]
    served, outputs = ask(tmp_path / "model", graphs.TABLE, *rows)

    expected = [graphs.probability(1.5 + 4), graphs.probability(-9.0)]
    np.testing.assert_allclose(outputs["probability"], expected, atol=1e-6)
    assert outputs["probability"].dtype == np.float64
    assert outputs["label"].tolist() == [1, 0]
    assert served.outputs == (Output("probability", "FP64"), Output("label", "INT64"))


def test_many_classes_are_probabilities_and_a_name(tmp_path: Path) -> None:
    rows = [graphs.ROW, {"a": -9.0, "b": None, "city": None}]
    served, outputs = ask(tmp_path / "model", graphs.WORDS, *rows)

    weights = np.exp([[0, 5.5, 11.0], [0, -9.0, -18.0]])
    expected = weights / weights.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(outputs["probabilities"], expected, atol=1e-6)
    assert outputs["label"].tolist() == ["hüge", "low"]
    assert served.outputs == (Output("probabilities", "FP64", 3), Output("label", "BYTES"))


def test_a_regression_is_a_value(tmp_path: Path) -> None:
    served, outputs = ask(tmp_path / "model", graphs.MINUTES, graphs.ROW)

    assert {name: values.tolist() for name, values in outputs.items()} == {"value": [5.5]}
    assert served.outputs == (Output("value", "FP64"),)


@pytest.mark.parametrize("schema", [graphs.TABLE, graphs.WORDS, graphs.MINUTES, graphs.GREY])
def test_what_is_promised_is_what_is_answered(schema: Schema, tmp_path: Path) -> None:
    row = dict.fromkeys(schema.numbers, math.nan) | dict.fromkeys(schema.categories)
    _, outputs = ask(tmp_path / "model", schema, row, row)
    kinds = {"FP64": "f", "INT64": "i", "BYTES": "O"}

    assert [output.name for output in outputs_of(schema)] == list(outputs)
    for output in outputs_of(schema):
        values = outputs[output.name]
        assert values.dtype.kind == kinds[output.datatype]
        assert values.shape == ((2,) if output.width is None else (2, output.width))
    assert rows_of(outputs) == 2


def test_a_model_says_who_it_is(tmp_path: Path) -> None:
    served = graphs.model(tmp_path / "model")

    assert (served.name, served.version, served.schema) == ("flights", "v3", graphs.TABLE)
    assert len(served.digest) == 64


@pytest.mark.parametrize("missing", [MODEL_FILE, SIGNATURE_FILE, RELEASE_FILE, SERVING_FILE])
def test_a_folder_that_lacks_a_file_is_not_opened(missing: str, tmp_path: Path) -> None:
    folder = graphs.make(tmp_path / "model", graphs.TABLE)
    (folder / missing).unlink()

    with pytest.raises(ModelError, match=missing):
        ServedModel.open(folder)


def test_a_policy_of_unknown_columns_is_not_opened(tmp_path: Path) -> None:
    folder = graphs.make(tmp_path / "model", graphs.TABLE)
    ServingPolicy(required=("speed",)).write(folder)

    with pytest.raises(ModelError, match=r"serving\.json.*does not: speed"):
        ServedModel.open(folder)
