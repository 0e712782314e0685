"""What is kept with a version: sizes by feature, a few rows in full, bounded in cost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipelines.explanation import attribution
from pipelines.explanation.background import background
from pipelines.explanation.explainer import Explainer
from pipelines.frames import tensors
from pipelines.inference.session import ModelSession
from pipelines.schema import Schema, Task
from pipelines.signature import GOLDEN_FILE
from tests.model_folder import SCHEMA
from tests.packaged import artifact

__all__ = ["artifact"]
IMPORTANCE = {name: 0.1 * number for number, name in enumerate(SCHEMA.features)}


@pytest.fixture(scope="module")
def explainer(artifact: Path) -> Explainer:
    session = ModelSession.open(artifact)
    return Explainer(session, background(artifact, session), "test")


@pytest.fixture(scope="module")
def frame(artifact: Path) -> pd.DataFrame:
    rows = pd.read_parquet(artifact / GOLDEN_FILE).head(20)
    return rows.assign(late=[0.0, 1.0] * 10)


def test_sizes_are_means_over_the_rows(explainer: Explainer, frame: pd.DataFrame) -> None:
    steps: list[tuple[int, int]] = []
    found = attribution.of_shap(
        explainer, frame, SCHEMA, IMPORTANCE, lambda *step: steps.append(step)
    )
    known = tensors(frame, SCHEMA)
    each = [explainer.explain(known, place) for place in range(20)]
    for feature in found["features"]:
        values = np.array([row.contributions[feature["name"]] for row in each])
        assert feature["mean_absolute"] == pytest.approx(np.abs(values).mean())
        assert feature["mean"] == pytest.approx(values.mean())
        assert feature["importance"] == IMPORTANCE[feature["name"]]
    sizes = [feature["mean_absolute"] for feature in found["features"]]
    assert sizes == sorted(sizes, reverse=True)
    assert (found["rows"], found["method"]) == (20, "shap")
    assert found["base"] == pytest.approx(each[0].base)
    assert steps[-1] == (20, 20)


def test_examples_are_a_low_a_middle_and_a_high_answer(
    explainer: Explainer, frame: pd.DataFrame
) -> None:
    found = attribution.of_shap(explainer, frame, SCHEMA, IMPORTANCE, lambda done, total: None)
    answers = np.sort(ModelSession.predict(explainer._session, tensors(frame, SCHEMA)).scores)
    low, middle, high = found["examples"]
    assert (low["answer"], high["answer"]) == (answers[0], answers[-1])
    assert middle["answer"] in answers[8:12]
    for row in found["examples"]:
        added = sum(each["contribution"] for each in row["contributions"])
        assert row["base"] + added == pytest.approx(row["answer"], abs=1e-6)
        assert row["class"] is None
        assert row["truth"] in (0.0, 1.0)


def test_one_row_is_one_example(explainer: Explainer, frame: pd.DataFrame) -> None:
    found = attribution.of_shap(
        explainer, frame.head(1), SCHEMA, IMPORTANCE, lambda done, total: None
    )
    assert len(found["examples"]) == 1


def test_rows_are_bounded_by_what_they_cost(
    explainer: Explainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert attribution.affordable(explainer, wanted=200, there=5000) == 200
    assert attribution.affordable(explainer, wanted=200, there=30) == 30
    monkeypatch.setattr(attribution, "_MOST_VALUES", 50 * explainer.cost)
    assert attribution.affordable(explainer, wanted=200, there=5000) == 50
    monkeypatch.setattr(attribution, "_MOST_VALUES", explainer.cost)
    assert attribution.affordable(explainer, wanted=200, there=5000) == 5


def test_without_shap_there_is_the_importance() -> None:
    found = attribution.of_permutation({"a": 0.2, "b": -0.1})
    assert found["method"] == "permutation"
    assert found["features"] == [
        {"name": "a", "importance": 0.2},
        {"name": "b", "importance": -0.1},
    ]


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("binary", "probability of y"),
        ("multiclass", "probability of the class"),
        ("regression", "y, in its unit"),
    ],
)
def test_what_is_explained_in_words(task: Task, words: str) -> None:
    classes = ("a", "b", "c") if task == "multiclass" else ()
    assert words in attribution.answer_of(Schema(("x",), (), "y", task=task, classes=classes))
