"""How far two models are apart, for each task."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipelines.errors import DataError
from pipelines.frames import labels, tensors
from pipelines.inference.session import ModelSession
from pipelines.releasing.expected import answers_alike, measure
from pipelines.rollout.plan import Scale
from pipelines.schema import Schema
from tests.releasing.world import MODEL, World
from tests.small import table, tasked, trained


def test_a_model_is_not_apart_from_itself(world: World) -> None:
    model = world.root / "data" / MODEL / "model"
    found = measure(model, model, world.root / "data" / MODEL / "splits" / "holdout.parquet")
    assert (found.expected.disagreement, found.expected.gap) == (0.0, 0.0)
    assert found.scale == Scale()


@pytest.mark.slow
@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_other_tasks_are_measured_in_shares(tmp_path: Path, task) -> None:
    frame, schema = tasked(table(), task)
    family = {"family": "hist_gradient_boosting"}
    old, _ = trained(tmp_path / "old", frame, schema, train=family)
    new, _ = trained(tmp_path / "new", frame, schema, train=family, params={"max_leaf_nodes": 3})
    rows = new.splits / "holdout.parquet"
    found = measure(old.artifact, new.artifact, rows)
    assert 0 < found.expected.gap < 1
    holdout = pd.read_parquet(rows)
    session = ModelSession.open(old.artifact)
    scores = session.predict(tensors(holdout, session.signature.schema)).scores
    other = ModelSession.open(new.artifact)
    asked = other.predict(tensors(holdout, other.signature.schema)).scores
    if task == "multiclass":
        assert found.expected.gap == pytest.approx(np.abs(scores - asked).sum(axis=1).mean() / 2)
        return
    truth = labels(holdout, schema)
    assert found.scale.span == truth.max() - truth.min()
    assert np.mean(np.abs(scores - truth) > found.scale.tolerance) == pytest.approx(0.1, abs=0.01)
    assert found.expected.disagreement == 0.0


def test_a_holdout_without_the_champions_columns_is_refused(world: World, tmp_path: Path) -> None:
    model = world.root / "data" / MODEL / "model"
    rows = pd.read_parquet(world.root / "data" / MODEL / "splits" / "holdout.parquet")
    rows.drop(columns="carrier").to_parquet(tmp_path / "holdout.parquet")
    with pytest.raises(DataError, match="carrier"):
        measure(model, model, tmp_path / "holdout.parquet")
    (tmp_path / "torn.parquet").write_bytes(b"")
    with pytest.raises(DataError, match="cannot be read"):
        measure(model, model, tmp_path / "torn.parquet")
    rows.head(0).to_parquet(tmp_path / "empty.parquet")
    with pytest.raises(DataError, match="no rows"):
        measure(model, model, tmp_path / "empty.parquet")


def test_only_the_same_question_can_be_compared() -> None:
    def schema(**changes) -> Schema:
        return Schema(**{"numbers": ("a",), "categories": (), "target": "t", **changes})

    assert answers_alike(schema(), schema(numbers=("b",)))
    assert not answers_alike(schema(), schema(task="regression"))
    kinds = {"task": "multiclass"}
    assert not answers_alike(
        schema(classes=("x", "y"), **kinds), schema(classes=("y", "x"), **kinds)
    )
