"""Going on from a parent: which rows are seen, what is learned, what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipelines import registry
from pipelines.errors import ModelError, SettingsError
from pipelines.files import read_json
from pipelines.frames import features, labels, row_hashes
from pipelines.inference.session import ModelSession
from pipelines.models import incremental, parity
from pipelines.models.base import Continuable, Fitted, last
from pipelines.models.incremental import Parent
from pipelines.paths import HOME, ModelPaths
from pipelines.schema import Task
from pipelines.settings import ModelSettings
from pipelines.signature import TRAINED_ON_FILE, TRAINING_FILE
from pipelines.stages import split, train, tune
from pipelines.statistics import quality
from tests.models.test_families import LOOSER, TOLERANCE, family, fit, opened, training
from tests.small import SCHEMA, clean, settings, table, tasked, trained

CONTINUABLE = [
    name
    for name in sorted(registry.MODEL_FAMILIES)
    if registry.load(registry.MODEL_FAMILIES, name).can_continue
]
TASKS: tuple[Task, ...] = ("binary", "multiclass", "regression")
pairs = pytest.mark.parametrize(
    ("name", "task"),
    [(name, task) for name in ("hist_gradient_boosting", "sgd") for task in TASKS],
)


def gone_on(name: str, frame: pd.DataFrame, schema: Any, parent: Fitted, folder: Path) -> Fitted:
    assert isinstance(parent, Continuable)
    parent.save(folder)
    return last(family(name).fit(replace(training(name, frame, schema), parent=folder)))


@pairs
def test_it_learns_from_new_rows_and_its_graph_agrees(
    name: str, task: Task, tmp_path: Path
) -> None:
    few, schema = tasked(table(60), task)
    many, _ = tasked(table(3000, seed=4), task)
    later, _ = tasked(table(3000, seed=9), task)
    parent = fit(name, few, schema)
    child = gone_on(name, many, schema, parent, tmp_path / "resume")
    known, truth = features(later, schema), labels(later, schema)
    before = quality.goodness(task, truth, parent.scores(known))
    assert quality.goodness(task, truth, child.scores(known)) > before
    found = parity.differences(
        child, opened(child, schema, tmp_path), parity.cases(many, schema, 3)
    )
    assert max(found.values()) <= LOOSER.get(name, TOLERANCE), found


@pairs
def test_the_same_parent_and_rows_give_the_same_bytes(
    name: str, task: Task, tmp_path: Path
) -> None:
    few, schema = tasked(table(150), task)
    made = []
    for number in range(2):
        folder = tmp_path / str(number)
        parent = fit(name, few, schema)
        child = gone_on(name, few, schema, parent, folder)
        saved = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
        made.append((saved, child.to_onnx("shop")))
    assert made[0] == made[1]


def test_a_parent_of_another_kind_is_refused_and_says_why(tmp_path: Path) -> None:
    frame = table(200)
    parent = fit("sgd", frame)
    parent.save(tmp_path)  # type: ignore[attr-defined]
    other = replace(SCHEMA, numbers=("spend", "age", "loyalty"))
    wider = frame.assign(loyalty=1.0)
    for name, schema, reasons in (
        ("hist_gradient_boosting", SCHEMA, ["its family is sgd, not hist_gradient_boosting"]),
        ("sgd", other, ["does not know the features loyalty", "needs the features visits"]),
        ("sgd", tasked(frame, "regression")[1], ["its task is binary, not regression"]),
    ):
        given = replace(training(name, tasked(wider, schema.task)[0], schema), parent=tmp_path)
        with pytest.raises(ModelError, match="cannot be gone on from") as caught:
            last(family(name).fit(given))
        assert all(reason in caught.value.problem for reason in reasons)


def test_a_damaged_parent_is_named(tmp_path: Path) -> None:
    fit("sgd", table(200)).save(tmp_path)  # type: ignore[attr-defined]
    (tmp_path / "tabular.skops").write_bytes(b"PK nothing")
    with pytest.raises(ModelError, match="not a model to go on from") as caught:
        last(family("sgd").fit(replace(training("sgd", table(200)), parent=tmp_path)))
    assert caught.value.where.endswith("tabular.skops")


def test_only_new_rows_and_a_share_of_the_others_are_seen(tmp_path: Path) -> None:
    frame = table(1000)
    known = frame.iloc[:600]
    pd.DataFrame({"group": "g", "row": row_hashes(known, SCHEMA)}).to_parquet(
        tmp_path / TRAINED_ON_FILE
    )
    parent = Parent("v1", tmp_path)
    seen, new = incremental.rows_to_see(frame, SCHEMA, parent, 0.25, seed=1)
    assert (len(seen), new) == (400 + 150, 400)
    pd.testing.assert_frame_equal(
        seen.tail(400).reset_index(drop=True), frame.iloc[600:].reset_index(drop=True)
    )
    assert np.isin(row_hashes(seen, SCHEMA), row_hashes(frame, SCHEMA)).all()
    with pytest.raises(ModelError, match="v1 has seen all 600 rows"):
        incremental.rows_to_see(known, SCHEMA, parent, 0.25, seed=1)


def test_which_families_can() -> None:
    assert {"hist_gradient_boosting", "sgd", "keras_mlp"} <= set(CONTINUABLE)
    with pytest.raises(SettingsError, match="logistic cannot go on"):
        chosen = settings(train={"mode": "incremental", "parent": "v1"}).train
        incremental.parent(Path(), "shop", chosen, family("logistic"))


@pytest.fixture
def grown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelPaths:
    """Forty days are known to v1; twenty more have come."""
    monkeypatch.setenv(HOME, str(tmp_path / "home"))
    frame = table()
    early = frame[frame["day"] < "2024-02-10"]
    first, _ = trained(
        tmp_path / "first", early, train={"family": "sgd"}, params={"epochs": 4, "eta0": 0.02}
    )
    version = tmp_path / "home" / "versions" / "shop" / "v1-0123456789ab"
    version.parent.mkdir(parents=True)
    first.artifact.rename(version)
    return clean(tmp_path / "second", frame)


def gone_through(paths: ModelPaths, **train_too: Any) -> ModelSettings:
    """Split, tune and train of an incremental training; its settings."""
    asked = {"family": "sgd", "mode": "incremental", "parent": "v1", **train_too}
    chosen = settings(train=asked)
    for stage in (split, tune, train):
        stage.run(paths, chosen)
    return chosen


def test_through_the_stages(grown: ModelPaths) -> None:
    gone_through(grown)
    said = read_json(grown.artifact / TRAINING_FILE)
    assert (said["mode"], said["parent"]) == ("incremental", "v1")
    assert said["params"] == {"epochs": 4, "eta0": 0.02}
    assert said["rows_new"] < said["rows_seen"] < said["rows"]
    # What the parent has seen counts as seen by the child.
    seen = set(pd.read_parquet(grown.artifact / TRAINED_ON_FILE)["row"])
    sides = [pd.read_parquet(grown.splits / f"{side}.parquet") for side in ("train", "tuning")]
    assert seen >= set(row_hashes(pd.concat(sides), SCHEMA))
    assert ModelSession.open(grown.artifact).signature.family == "sgd"


@pytest.mark.parametrize(
    ("changed", "error", "reason"),
    [
        ({"parent": None}, SettingsError, "none is named"),
        ({"parent": "v7"}, ModelError, "v7 is not on this machine"),
        ({"family": "svm"}, SettingsError, "svm cannot go on"),
    ],
)
def test_what_cannot_be_gone_on_from_is_told_before_anything_is_trained(
    grown: ModelPaths, changed: dict[str, Any], error: type[Exception], reason: str
) -> None:
    chosen = settings(train={"family": "sgd", "mode": "incremental", "parent": "v1", **changed})
    split.run(grown, chosen)
    with pytest.raises(error, match=reason):
        tune.run(grown, chosen)
    assert not (grown.study / "best.json").exists()
