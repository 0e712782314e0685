"""Compressed graphs: smaller, nearly the same answers, the same bytes, or refused with a reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipelines.errors import ModelError, SettingsError
from pipelines.files import read_json
from pipelines.frames import features, labels, tensors
from pipelines.inference.session import ModelSession
from pipelines.models.base import Training, last
from pipelines.models.compress import KINDS, compress
from pipelines.models.mlp import Mlp
from pipelines.models.neural.learner import Learner
from pipelines.models.neural.network import NETWORK_FILE
from pipelines.models.tabular import Tabular
from pipelines.paths import HomePaths, ModelPaths
from pipelines.schema import NUMBERS
from pipelines.settings import ModelSettings
from pipelines.signature import (
    GOLDEN_ANSWER,
    GOLDEN_FILE,
    MODEL_FILE,
    RESUME_FOLDER,
    STUDENT_FOLDER,
    TRAINING_FILE,
    UNCOMPRESSED_FOLDER,
    Signature,
    digest,
)
from pipelines.stages import split, train, tune
from pipelines.verdicts import Outcome
from tests.models.test_families import fit
from tests.small import SCHEMA, chosen, clean, settings, table, trained
from tests.test_judging import decide, part

FRAME = table(2000)
ROWS = tensors(FRAME.head(300), SCHEMA)


@pytest.fixture(scope="module")
def wide() -> bytes:
    """A network whose weights are most of its file."""
    given = Training(
        features(FRAME, SCHEMA),
        labels(FRAME, SCHEMA),
        SCHEMA,
        {"hidden": 4000, "max_iter": 2},
        seed=1,
    )
    fitted = last(Mlp().fit(given))
    assert isinstance(fitted, Tabular)
    return fitted.to_onnx("shop")


def _answers(graph: bytes, folder: Path) -> np.ndarray:
    return _session(graph, folder).predict(ROWS).scores


def _session(graph: bytes, folder: Path) -> ModelSession:
    folder.mkdir(exist_ok=True)
    (folder / MODEL_FILE).write_bytes(graph)
    Signature("shop", "mlp", SCHEMA, digest(folder / MODEL_FILE), {}).write(folder)
    return ModelSession.open(folder)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_an_answer_does_not_depend_on_the_rows_beside_it(
    kind: str, wide: bytes, tmp_path: Path
) -> None:
    """Asked alone, in a batch, and beside a row that is absurd: one scale for all would differ."""
    session = _session(compress(kind, wide, ROWS, "mlp"), tmp_path)
    together = session.predict(ROWS).scores
    extreme = {name: values[:2].copy() for name, values in ROWS.items()}
    extreme[NUMBERS][1] = 1e6
    assert abs(session.predict(extreme).scores[0] - together[0]) < 1e-6
    for place in range(0, 300, 37):
        alone = {name: values[place : place + 1] for name, values in ROWS.items()}
        assert abs(session.predict(alone).scores[0] - together[place]) < 1e-6


@pytest.mark.parametrize(
    ("kind", "share", "off"),
    [("dynamic_int8", 0.45, 0.05), ("static_int8", 0.45, 0.05), ("fp16", 0.6, 0.005)],
)
def test_it_is_smaller_and_answers_nearly_alike(
    kind: str, share: float, off: float, wide: bytes, tmp_path: Path
) -> None:
    small = compress(kind, wide, ROWS, "mlp")
    assert len(small) < share * len(wide)
    apart = np.abs(_answers(small, tmp_path / "small") - _answers(wide, tmp_path / "wide")).max()
    assert 0 < apart < off
    assert compress(kind, wide, ROWS, "mlp") == small


def test_trees_have_nothing_to_compress() -> None:
    graph = fit("hist_gradient_boosting", FRAME).to_onnx("shop")
    with pytest.raises(ModelError, match="no layers of weights") as caught:
        compress("dynamic_int8", graph, ROWS, "hist_gradient_boosting")
    assert caught.value.where == "params.yaml: train.compress"
    assert caught.value.next_step == "set it to none"


def test_a_graph_that_would_not_get_smaller_is_refused() -> None:
    graph = fit("logistic", FRAME).to_onnx("shop")
    with pytest.raises(ModelError, match=r"no layers of weights|did not get smaller"):
        compress("dynamic_int8", graph, ROWS, "logistic")


DISTILLED: dict[str, Any] = {
    "family": "keras_mlp",
    "fixed": {"units": 96, "epochs": 9, "learning_rate_scale": 8.0},
    "compress": "distilled",
    "student": {"units": 8, "dropout": 0.0},
}


def _distilled(root: Path, **train: Any) -> tuple[ModelPaths, ModelSettings]:
    params = {**DISTILLED["fixed"], "patience": 0}
    return trained(root, table(1500), params=params, train={**DISTILLED, **train})


@pytest.fixture(scope="module")
def distilled(tmp_path_factory: pytest.TempPathFactory) -> tuple[ModelPaths, ModelSettings]:
    """A model that was taught by a larger one, through split, train and evaluate."""
    return _distilled(tmp_path_factory.mktemp("distilled"))


def test_a_student_is_served_and_its_teacher_is_what_it_is_held_to(
    distilled: tuple[ModelPaths, ModelSettings],
) -> None:
    paths, _ = distilled
    said = read_json(paths.artifact / TRAINING_FILE)
    assert max(said["parity"].values()) <= 1e-4
    assert (said["compress"], said["teacher"]["student"]) == ("distilled", DISTILLED["student"])
    assert len(said["teacher"]["curve"]) == len(said["curve"]) == 9
    assert said["teacher"]["curve"] != said["curve"]
    before = paths.artifact / UNCOMPRESSED_FOLDER / MODEL_FILE
    assert (paths.artifact / MODEL_FILE).stat().st_size < 0.5 * before.stat().st_size
    # Golden rows hold the training code's answers, and of the student.
    golden = pd.read_parquet(paths.artifact / GOLDEN_FILE)
    answers = ModelSession.open(paths.artifact).predict(tensors(golden, SCHEMA)).scores
    assert np.abs(answers - golden[GOLDEN_ANSWER]).max() <= 1e-4
    verdict = decide(distilled, None)
    found = part(verdict, "compression")
    assert found.evidence["kind"] == "distilled"
    assert found.evidence["megabytes"]["after"] < found.evidence["megabytes"]["before"]
    assert abs(found.evidence["difference"]["value"]) < 0.03
    assert part(verdict, "skew").outcome is Outcome.PASSED
    assert part(verdict, "behaviour").outcome is Outcome.PASSED


def test_a_second_training_gives_the_same_bytes(
    distilled: tuple[ModelPaths, ModelSettings], tmp_path: Path
) -> None:
    again, _ = _distilled(tmp_path)
    for name in (
        MODEL_FILE,
        f"{UNCOMPRESSED_FOLDER}/{MODEL_FILE}",
        f"{RESUME_FOLDER}/{NETWORK_FILE}",
        f"{RESUME_FOLDER}/{STUDENT_FOLDER}/{NETWORK_FILE}",
        TRAINING_FILE,
    ):
        assert digest(again.artifact / name) == digest(distilled[0].artifact / name), name


def test_a_kill_while_the_student_learns_repeats_nothing_of_the_teacher(
    distilled: tuple[ModelPaths, ModelSettings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nine epochs of the teacher, then the process ends in the fourth of the student."""
    real, run = Learner.epoch, list[int]()

    def killed(self: Learner, number: int) -> float:
        run.append(number)
        if len(run) == 9 + 4:
            raise KeyboardInterrupt
        return real(self, number)

    monkeypatch.setattr(Learner, "epoch", killed)
    with pytest.raises(KeyboardInterrupt):
        _distilled(tmp_path)
    [kept] = HomePaths(tmp_path / ".evergreen").checkpoints.glob("shop/*/student-*/state.npz")
    assert kept.is_file()
    _distilled(tmp_path)
    # The rest of the student, then the nine of the control, whose labels are shuffled.
    assert run[13:] == [*range(4, 10), *range(1, 10)]
    same = distilled[0].artifact / MODEL_FILE
    assert digest(tmp_path / "data/shop/model" / MODEL_FILE) == digest(same)


def test_who_cannot_teach_and_who_cannot_be_taught_is_refused_before_the_search(
    tmp_path: Path,
) -> None:
    paths = clean(tmp_path)
    student = {"units": 4}
    known = settings(train={"family": "mlp", "compress": "distilled", "student": student})
    split.run(paths, known)
    with pytest.raises(SettingsError, match="a model of mlp cannot teach") as refused:
        tune.run(paths, known)
    assert "alexnet, keras_cnn, keras_mlp" in refused.value.next_step
    with pytest.raises(ModelError, match="no hyperparameter 'filters'; it has optimizer") as other:
        tune.run(paths, settings(train={**DISTILLED, "student": {"filters": 4}}))
    assert other.value.where == "params.yaml: train.student"
    chosen(paths, units=8)
    with pytest.raises(ModelError, match="nothing is compressed"):
        train.run(paths, settings(train=DISTILLED))


def test_through_training_and_the_gate(tmp_path: Path) -> None:
    paths, known = trained(
        tmp_path,
        table(),
        params={"hidden": 900, "max_iter": 20},
        train={"family": "mlp", "compress": "dynamic_int8"},
    )
    said = read_json(paths.artifact / TRAINING_FILE)
    assert said["compress"] == "dynamic_int8"
    assert said["parity_rows"] > 1000
    before = paths.artifact / UNCOMPRESSED_FOLDER / MODEL_FILE
    assert (paths.artifact / MODEL_FILE).stat().st_size < 0.6 * before.stat().st_size
    verdict = decide((paths, known), None)
    found = part(verdict, "compression")
    assert found.outcome is Outcome.PASSED, found.reason
    assert found.evidence["megabytes"]["after"] < found.evidence["megabytes"]["before"]
    assert part(verdict, "skew").outcome is Outcome.PASSED

    # A compression that destroyed the model is refused: here the graph of another one.
    stolen = fit("mlp", table().assign(left=lambda rows: 1 - rows["left"])).to_onnx("shop")
    (paths.artifact / MODEL_FILE).write_bytes(stolen)
    signature = Signature.read(paths.artifact / UNCOMPRESSED_FOLDER)
    replace(signature, sha256=digest(paths.artifact / MODEL_FILE)).write(paths.artifact)
    found = part(decide((paths, known), None), "compression")
    assert found.outcome is Outcome.FAILED, found.reason
