"""train writes a model that is proved, or none."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipelines.errors import ModelError
from pipelines.files import read_json
from pipelines.frames import groups, tensors
from pipelines.gates.shuffled import judge_shuffled_control
from pipelines.inference.session import ModelSession
from pipelines.models import given, hist_gradient_boosting
from pipelines.schema import Schema
from pipelines.signature import GOLDEN_ANSWER, GOLDEN_FILE, TRAINED_ON_FILE, TRAINING_FILE
from pipelines.stages import split, train
from pipelines.verdicts import Outcome
from tests.models.test_parity import _at_thresholds
from tests.small import SCHEMA, chosen, clean, settings


def run(root: Path, **sections: Any) -> Any:
    paths = clean(root)
    known = settings(**sections)
    split.run(paths, known)
    chosen(paths)
    train.run(paths, known)
    return paths


def test_what_a_model_folder_holds(tmp_path: Path) -> None:
    paths = run(tmp_path)
    learned = pd.concat(
        [pd.read_parquet(paths.splits / f"{side}.parquet") for side in ("train", "tuning")],
        ignore_index=True,
    )
    session = ModelSession.open(paths.artifact)
    assert session.signature.schema == SCHEMA
    assert session.signature.categories_seen == {
        "city": ["Bergen", "Oslo", "Ålesund"],
        "plan": ["basic", "full"],
    }
    training = read_json(paths.artifact / TRAINING_FILE)
    assert training["rows"] == len(learned)
    assert training["constant"][1] == pytest.approx(learned["left"].mean())
    assert pd.Timestamp(training["until"]) == learned["day"].max()
    assert max(training["parity"].values()) <= 1e-6
    seen = pd.read_parquet(paths.artifact / TRAINED_ON_FILE)
    assert seen["group"].tolist() == groups(learned, SCHEMA).tolist()
    assert seen["row"].nunique() == len(learned)


def test_golden_rows_are_answered_by_the_graph_as_they_were_by_the_model(tmp_path: Path) -> None:
    paths = run(tmp_path)
    golden = pd.read_parquet(paths.artifact / GOLDEN_FILE)
    assert len(golden) == 1000
    answers = ModelSession.open(paths.artifact).predict(tensors(golden, SCHEMA)).scores
    assert np.abs(answers - golden[GOLDEN_ANSWER]).max() <= 1e-6


def test_shuffled_labels_teach_nothing(tmp_path: Path) -> None:
    control = read_json(run(tmp_path).artifact / TRAINING_FILE)["shuffled"]
    assert control["measure"] == "AUC"
    assert abs(control["value"] - 0.5) < 4 * control["standard_error"]


def test_a_label_that_reaches_the_features_betrays_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted for real: feature code that looks at the label column."""
    honest = train.features

    def leaking(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
        known = honest(frame, schema)
        if schema.target in frame:
            known[schema.numbers[0]] = frame[schema.target].to_numpy(dtype="float64")
        return known

    paths = clean(tmp_path)
    split.run(paths, settings())
    chosen(paths)
    for module in (train, given):
        monkeypatch.setattr(module, "features", leaking)
    control = train._shuffled_control(given.Given.read(paths, settings()))
    verdict = judge_shuffled_control(control)
    assert control.value > 0.9
    assert verdict.outcome is Outcome.FAILED


def test_an_export_that_is_off_leaves_no_training_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted for real: the step that keeps thresholds exact is left out."""
    frame, schema = _at_thresholds()
    frame = frame.sample(frac=1, random_state=0, ignore_index=True)
    schema = Schema(schema.numbers, (), "left")
    paths = clean(tmp_path, frame, schema)
    known = settings(train={"family": "hist_gradient_boosting"})
    split.run(paths, known)
    chosen(paths, max_iter=30, min_samples_leaf=20)
    train.run(paths, known)
    assert (paths.artifact / TRAINING_FILE).exists()
    monkeypatch.setattr(hist_gradient_boosting, "_exportable", copy.deepcopy)
    with pytest.raises(ModelError, match="the ONNX graph differs from the trained model by"):
        train.run(paths, known)
    assert not (paths.artifact / TRAINING_FILE).exists()
    assert not (paths.artifact / GOLDEN_FILE).exists()


def test_a_hyperparameter_that_the_family_lacks_is_named(tmp_path: Path) -> None:
    paths = clean(tmp_path)
    split.run(paths, settings())
    chosen(paths, max_iter=3)
    with pytest.raises(ModelError, match="logistic has no hyperparameter 'max_iter'"):
        train.run(paths, settings())
