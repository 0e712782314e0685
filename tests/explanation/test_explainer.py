"""Contributions add up, are the Shapley values, and depend on nothing but the row."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from onnx import TensorProto, helper, numpy_helper

from pipelines.errors import ModelError
from pipelines.explanation import explainer as module
from pipelines.explanation.background import background
from pipelines.explanation.explainer import Explainer
from pipelines.frames import tensors
from pipelines.inference.encode import Tensors
from pipelines.inference.session import ModelSession
from pipelines.schema import CATEGORIES, NUMBERS, VALUE, Schema
from pipelines.signature import MODEL_FILE, Signature, digest
from tests.packaged import artifact

__all__ = ["artifact"]


@pytest.fixture(scope="module")
def boosted(artifact: Path) -> tuple[ModelSession, Explainer, Tensors]:
    session = ModelSession.open(artifact)
    rows = pd.read_parquet(artifact / "golden.parquet").head(8)
    known = tensors(rows, session.signature.schema)
    return session, Explainer(session, background(artifact, session), "test"), known


def test_base_and_contributions_are_the_answer(
    boosted: tuple[ModelSession, Explainer, Tensors],
) -> None:
    session, explainer, rows = boosted
    answers = session.predict(rows).scores
    for place, answer in enumerate(answers):
        found = explainer.explain(rows, place)
        assert found.answer == answer
        assert found.base + sum(found.contributions.values()) == pytest.approx(answer, abs=1e-6)
        assert list(found.contributions) == list(session.signature.schema.features)
        assert found.decided is None
        sizes = [abs(value) for _, value in found.ranked]
        assert sizes == sorted(sizes, reverse=True)


def test_the_base_is_the_mean_answer_of_the_background(
    boosted: tuple[ModelSession, Explainer, Tensors], artifact: Path
) -> None:
    session, explainer, rows = boosted
    mean = session.predict(background(artifact, session)).scores.mean()
    assert explainer.explain(rows, 0).base == pytest.approx(mean, abs=1e-7)


def test_it_is_near_the_shapley_values_by_their_definition(
    boosted: tuple[ModelSession, Explainer, Tensors], artifact: Path
) -> None:
    """A sum over every coalition of the five features, on a model full of interactions."""
    session, explainer, rows = boosted
    known = background(artifact, session)
    row = {name: tensor[:1] for name, tensor in rows.items()}
    features = len(session.signature.schema.features)

    def worth(coalition: frozenset[int]) -> float:
        mixed, first = {}, 0
        for name, unknown in known.items():
            mixed[name] = unknown.copy()
            for column in range(unknown.shape[1]):
                if first + column in coalition:
                    mixed[name][:, column] = row[name][0, column]
            first += unknown.shape[1]
        return float(session.predict(mixed).scores.mean())

    exact = np.zeros(features)
    for feature in range(features):
        others = [other for other in range(features) if other != feature]
        for size in range(features):
            weight = 1 / (features * math.comb(features - 1, size))
            for chosen in map(frozenset, itertools.combinations(others, size)):
                exact[feature] += weight * (worth(chosen | {feature}) - worth(chosen))
    found = list(explainer.explain(rows, 0).contributions.values())
    assert np.abs(exact).max() > 0.05
    np.testing.assert_allclose(found, exact, atol=0.01)


def test_a_row_has_one_explanation(boosted: tuple[ModelSession, Explainer, Tensors]) -> None:
    """Whatever was explained before it, and whoever else draws numbers."""
    _, explainer, rows = boosted
    alone = explainer.explain({name: tensor[3:4] for name, tensor in rows.items()}, 0)
    np.random.seed(1)
    expected = np.random.random()
    np.random.seed(1)
    explainer.explain(rows, 0)
    assert explainer.explain(rows, 3) == alone
    assert np.random.random() == expected


def linear(folder: Path, weights: list[float], schema: Schema) -> ModelSession:
    """A model whose value is the weighted sum of its numbers."""
    parts = [
        helper.make_node("MatMul", [NUMBERS, "weights"], ["sum"]),
        helper.make_node("Cast", ["sum"], [VALUE], to=TensorProto.FLOAT),
    ]
    taken = helper.make_tensor_value_info(NUMBERS, TensorProto.DOUBLE, [None, len(weights)])
    given = helper.make_tensor_value_info(VALUE, TensorProto.FLOAT, [None, 1])
    known = numpy_helper.from_array(np.array(weights).reshape(-1, 1), "weights")
    graph = helper.make_graph(parts, "linear", [taken], [given], [known])
    opset = [helper.make_opsetid("", 17)]
    content = helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()
    (folder / MODEL_FILE).write_bytes(content)
    Signature("line", "linear", schema, digest(folder / MODEL_FILE), {}).write(folder)
    return ModelSession.open(folder)


def test_of_a_linear_model_it_is_known_in_closed_form(tmp_path: Path) -> None:
    weights = np.array([2.0, -1.0, 0.0])
    schema = Schema(("a", "b", "c"), (), "y", task="regression")
    session = linear(tmp_path, weights.tolist(), schema)
    draw = np.random.default_rng(0)
    known, row = {NUMBERS: draw.normal(size=(20, 3))}, {NUMBERS: draw.normal(size=(1, 3))}
    found = Explainer(session, known, "test").explain(row, 0)
    expected = weights * (row[NUMBERS][0] - known[NUMBERS].mean(axis=0))
    np.testing.assert_allclose(list(found.contributions.values()), expected, atol=1e-6)
    assert found.contributions["c"] == 0


def test_an_image_is_explained_by_its_patches(tmp_path: Path) -> None:
    pixels = tuple(f"pixel_{place}" for place in range(64))
    schema = Schema(pixels, (), "y", task="regression", image=(8, 8, 1))
    weights = np.zeros(64)
    weights[0], weights[63] = 3.0, -2.0  # of the first and of the last patch
    session = linear(tmp_path, weights.tolist(), schema)
    found = Explainer(session, {NUMBERS: np.zeros((4, 64))}, "test").explain(
        {NUMBERS: np.ones((1, 64))}, 0
    )
    assert len(found.contributions) == 16
    assert found.ranked[0] == ("rows 0-1, columns 0-1", pytest.approx(3.0))
    assert found.ranked[1] == ("rows 6-7, columns 6-7", pytest.approx(-2.0))
    assert {value for _, value in found.ranked[2:]} == {0.0}


def test_a_wide_table_is_walked_once_and_still_exact(tmp_path: Path) -> None:
    names = tuple(f"n{number}" for number in range(400))
    schema = Schema(names, (), "y", task="regression")
    draw = np.random.default_rng(0)
    weights, row = draw.normal(size=400), draw.normal(size=(1, 400))
    session = linear(tmp_path, weights.tolist(), schema)
    explainer = Explainer(session, {NUMBERS: np.zeros((3, 400))}, "test")
    assert explainer.cost == (2 * 400 + 1) * 3 * 400
    found = explainer.explain({NUMBERS: row}, 0)
    np.testing.assert_allclose(list(found.contributions.values()), weights * row[0], atol=1e-5)


def test_large_coalitions_are_asked_about_in_parts(
    boosted: tuple[ModelSession, Explainer, Tensors], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, explainer, rows = boosted
    whole = explainer.explain(rows, 2)
    monkeypatch.setattr(module, "_CALL_VALUES", 1)
    apart = explainer.explain(rows, 2)
    assert apart.contributions == pytest.approx(whole.contributions, abs=1e-7)


def test_a_graph_that_answers_by_chance_is_not_explained(tmp_path: Path) -> None:
    parts = [
        helper.make_node("ReduceSum", [NUMBERS, "axis"], ["sum"], keepdims=1),
        helper.make_node("RandomNormalLike", ["sum"], ["noise"], scale=10.0),
        helper.make_node("Add", ["sum", "noise"], ["both"]),
        helper.make_node("Cast", ["both"], [VALUE], to=TensorProto.FLOAT),
    ]
    taken = helper.make_tensor_value_info(NUMBERS, TensorProto.DOUBLE, [None, 2])
    given = helper.make_tensor_value_info(VALUE, TensorProto.FLOAT, [None, 1])
    axis = numpy_helper.from_array(np.array([1]), "axis")
    graph = helper.make_graph(parts, "chance", [taken], [given], [axis])
    opset = [helper.make_opsetid("", 17)]
    content = helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()
    (tmp_path / MODEL_FILE).write_bytes(content)
    schema = Schema(("a", "b"), (), "y", task="regression")
    Signature("odd", "chance", schema, digest(tmp_path / MODEL_FILE), {}).write(tmp_path)
    explainer = Explainer(ModelSession.open(tmp_path), {NUMBERS: np.zeros((5, 2))}, "test")
    with pytest.raises(ModelError, match="but the model answers"):
        explainer.explain({NUMBERS: np.ones((1, 2))}, 0)


def test_what_it_costs_grows_with_features_and_background(
    boosted: tuple[ModelSession, Explainer, Tensors],
) -> None:
    assert boosted[1].cost == 10 * (2 * 5 + 1) * 50 * 5
    assert set(boosted[2]) == {NUMBERS, CATEGORIES}
