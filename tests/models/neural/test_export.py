"""The graph answers as the network does, and has the same bytes wherever it is made."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from pipelines.frames import features, labels
from pipelines.models import parity
from pipelines.models.base import Training
from pipelines.models.keras_cnn import KerasCnn
from pipelines.schema import Schema, Task
from tests.models.neural.small import QUICK, images, opened, trained, training
from tests.small import SCHEMA, table

TOLERANCE = 2e-6


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_graph_answers_as_the_network_does(task: Task, tmp_path: Path) -> None:
    known = training(task)
    network = trained(known)
    session = opened(network, known.schema, tmp_path)
    rows = parity.cases(known.frame, known.schema, seed=3)
    found = parity.differences(network, session, rows)
    assert found.keys() == {"ordinary", "boundary", "missing", "unseen category"}
    assert max(found.values()) <= TOLERANCE, found


@pytest.mark.parametrize(
    "schema",
    [
        Schema(SCHEMA.numbers, (), "left"),
        Schema((), SCHEMA.categories, "left"),
        Schema(("age",), (), "left"),
    ],
)
def test_numbers_or_categories_may_be_missing(schema: Schema, tmp_path: Path) -> None:
    frame = table(200).assign(age=float("nan"))
    known = Training(features(frame, schema), labels(frame, schema), schema, QUICK, seed=1)
    network = trained(known)
    session = opened(network, schema, tmp_path)
    found = parity.differences(network, session, parity.cases(frame, schema, seed=3))
    assert max(found.values()) <= TOLERANCE, found


def test_columns_may_be_called_anything_and_be_of_any_size(tmp_path: Path) -> None:
    names = {"age": "âge [yrs] <0>", "spend": "a.b/c:d", "city": "ville ☃"}
    schema = Schema(("a.b/c:d", "visits", "âge [yrs] <0>"), ("ville ☃", "plan"), target="left")
    frame = table(200).rename(columns=names)
    frame["a.b/c:d"] += 1e9  # beyond 2**24 neighbouring whole numbers are one float32
    frame["visits"] *= 1e-9
    known = Training(features(frame, schema), labels(frame, schema), schema, QUICK, seed=1)
    network = trained(known)
    session = opened(network, schema, tmp_path)
    found = parity.differences(network, session, parity.cases(frame, schema, seed=3))
    assert max(found.values()) <= TOLERANCE, found


def test_a_graph_of_another_network_is_noticed(tmp_path: Path) -> None:
    known = training()
    session = opened(trained(replace(known, seed=4)), SCHEMA, tmp_path)
    found = parity.differences(trained(known), session, {"all": known.frame})
    assert found["all"] > 1e-3


def test_the_graph_is_valid_and_says_nothing_of_where_it_was_made() -> None:
    graph = onnx.load_from_string(trained(training()).to_onnx("shop"))
    onnx.checker.check_model(graph, full_check=True)
    assert graph.graph.name == "shop"
    assert (graph.producer_name, graph.doc_string, list(graph.metadata_props)) == ("", "", [])
    assert not any(node.doc_string for node in graph.graph.node)


def digests() -> list[str]:
    """Of a table's graph and of an image's."""
    made = [trained(training()), trained(images(epochs=3, filters=4, units=8), KerasCnn())]
    return [hashlib.sha256(each.to_onnx("shop")).hexdigest() for each in made]


def test_the_graph_holds_each_weight_once_as_it_was_learned() -> None:
    network = trained(training())
    graph = onnx.load_from_string(network.to_onnx("shop")).graph
    held = [onnx.numpy_helper.to_array(each) for each in graph.initializer]
    for weight in network.weights:
        alike = [each for each in held if each.shape == weight.shape]
        assert sum(np.array_equal(each, weight) for each in alike) == 1


@pytest.mark.slow
def test_the_same_bytes_in_another_process_and_after_other_networks() -> None:
    code = "from tests.models.neural.test_export import digests; print(*digests())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "1"},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == digests() == digests()
    assert done.stderr == "", "what TensorFlow says of GPUs is no news to anyone"
