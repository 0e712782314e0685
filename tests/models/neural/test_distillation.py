"""What a student is told, what its loss is, and that it learns from its teacher."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipelines.errors import ModelError
from pipelines.models.base import Lesson, Teachable, Training, last
from pipelines.models.keras_mlp import KerasMlp
from pipelines.models.neural.distillation import Guidance
from pipelines.models.neural.heads import Head
from pipelines.models.neural.learner import Learner
from pipelines.models.neural.network import Network
from pipelines.models.neural.runtime import tensorflow
from pipelines.schema import Task
from tests.models.neural.small import accuracy, images, is_same, trained, training

LESSON = Lesson(temperature=3.0, teacher_share=0.9)
FAMILY = KerasMlp()


def taught(
    known: Training,
    teacher: Network,
    lesson: Lesson = LESSON,
    checkpoints: Path | None = None,
    units: int = 4,
) -> Network:
    params = FAMILY.student(known.params, {"units": units})
    own = replace(known, params=params, checkpoints=checkpoints)
    made = last(FAMILY.distil(own, teacher, lesson))
    assert isinstance(made, Network)
    return made


def softmax(outputs: np.ndarray) -> np.ndarray:
    powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def test_the_loss_is_the_papers() -> None:
    """By its formula, on numbers of our own; cross-entropy less the teacher's entropy."""
    draw = np.random.default_rng(0)
    told = softmax(draw.normal(size=(5, 3))).astype(np.float32)
    outputs, own = draw.normal(size=(5, 3)).astype(np.float32), np.array([0, 1, 2, 1, 0])
    goal = Guidance(Head("multiclass", 3), Lesson(2.0, 0.7), told)
    found = goal.losses(tensorflow().constant(goal.targets(own)), tensorflow().constant(outputs))
    hard = -np.log(softmax(outputs)[np.arange(5), own])
    soft = -(told * np.log(softmax(outputs / 2.0))).sum(axis=1) + (told * np.log(told)).sum(axis=1)
    assert found.numpy() == pytest.approx(0.3 * hard + 0.7 * 4.0 * soft, rel=1e-4)


def test_a_student_that_says_what_the_teacher_says_has_nothing_to_learn() -> None:
    outputs = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    told = softmax(outputs / 3.0).astype(np.float32)
    told[0] = [1.0, 0.0, 0.0]  # a teacher that is quite sure is no reason for a NaN
    outputs[0] = [90.0, -90.0, -90.0]
    goal = Guidance(Head("multiclass", 3), Lesson(3.0, 1.0), told)
    found = goal.losses(
        tensorflow().constant(goal.targets(np.zeros(5))), tensorflow().constant(outputs)
    )
    assert found.numpy() == pytest.approx(np.zeros(5), abs=1e-5)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_what_is_told_is_what_the_teacher_says(task: Task) -> None:
    known = training(task)
    teacher = trained(known)
    goal = Guidance.of(teacher, teacher.head, known, Lesson(1.0, 0.5))
    said = teacher.scores(known.frame)
    if task == "regression":
        found = goal.told[:, 0] * teacher.head.spread + teacher.head.center
        assert found == pytest.approx(said, rel=1e-4)
    else:
        found = goal.told[:, 1] if task == "binary" else goal.told
        assert found == pytest.approx(said, abs=1e-6)
    higher = Guidance.of(teacher, teacher.head, known, Lesson(5.0, 0.5)).told
    if task != "regression":
        assert higher.max(axis=1).mean() < goal.told.max(axis=1).mean()


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_student_comes_nearer_to_its_teacher_than_one_without(task: Task) -> None:
    known = training(task, units=48, epochs=30, patience=0)
    teacher = trained(known)
    said = teacher.scores(known.frame)
    lesson = Lesson(3.0, 1.0)
    student = taught(known, teacher, lesson)
    alone = trained(replace(known, params=FAMILY.student(known.params, {"units": 4})))

    def apart(one: Network) -> float:
        return float(np.abs(one.scores(known.frame) - said).mean())

    assert apart(student) < apart(alone)
    assert sum(each.size for each in student.weights) < sum(each.size for each in teacher.weights)


def test_a_teacher_knows_of_classes_that_no_label_of_the_student_names() -> None:
    """All that a student learns of the digits above 4 it has from the teacher."""
    params = {"units": 64, "epochs": 20, "patience": 0}
    known = images(0, 800, **params)
    asked = images(800, 1100)
    teacher = trained(known)
    hidden = replace(known, labels=np.minimum(known.labels, 4))
    high = asked.labels > 4
    only = replace(asked, frame=asked.frame[high], labels=asked.labels[high])
    assert accuracy(trained(hidden), only) == 0
    assert accuracy(taught(hidden, teacher, Lesson(3.0, 1.0), units=48), only) > 0.3


def test_two_students_are_equal_and_another_lesson_makes_another() -> None:
    known = training()
    teacher = trained(known)
    one = taught(known, teacher)
    assert is_same(one, taught(known, teacher))
    assert one.to_onnx("shop") == taught(known, teacher).to_onnx("shop")
    assert not is_same(one, taught(known, teacher, Lesson(9.0, 0.9)))


def test_a_killed_student_goes_on_and_ends_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = training(patience=0)
    teacher = trained(known)
    expected = taught(known, teacher)
    real, run = Learner.epoch, []

    def killed(self: Learner, number: int) -> float:
        if number == 4:
            raise KeyboardInterrupt
        return real(self, number)

    monkeypatch.setattr(Learner, "epoch", killed)
    with pytest.raises(KeyboardInterrupt):
        taught(known, teacher, checkpoints=tmp_path)

    def watched(self: Learner, number: int) -> float:
        run.append(number)
        return real(self, number)

    monkeypatch.setattr(Learner, "epoch", watched)
    assert is_same(taught(known, teacher, checkpoints=tmp_path), expected)
    assert run == [4, 5, 6]
    with pytest.raises(ModelError, match="another training: it differs in lesson"):
        taught(known, teacher, Lesson(2.0, 0.9), checkpoints=tmp_path)


def test_a_student_as_large_as_its_teacher_is_refused() -> None:
    known = training(units=4)
    with pytest.raises(ModelError, match="nothing is compressed") as caught:
        taught(known, trained(known))
    assert caught.value.where == "params.yaml: train.student"
    assert "layers, units, dropout" in caught.value.next_step


@pytest.mark.parametrize(
    ("instead", "said"),
    [
        ({"unit": 4}, "keras_mlp has no hyperparameter 'unit'; it has optimizer"),
        ({"units": "four"}, "'four' is not a value"),
        ({"units": 0}, "must be at least 1"),
        ({"momentum": 0.5}, "adam has no option 'momentum'"),
    ],
)
def test_a_student_that_the_family_cannot_be_is_refused(
    instead: dict[str, float | str], said: str
) -> None:
    with pytest.raises(ModelError, match=said) as caught:
        FAMILY.student({"units": 64}, instead)
    assert caught.value.where.startswith("params.yaml: train.student")


def test_another_optimizer_does_not_inherit_the_options_of_the_teachers() -> None:
    params = {"optimizer": "nesterov", "momentum": 0.95, "learning_rate": 0.02, "epochs": 9}
    found = FAMILY.student(params, {"optimizer": "adam", "units": 8})
    assert found == {"optimizer": "adam", "units": 8, "epochs": 9}
    assert FAMILY.student(params, {"units": 8}) == {**params, "units": 8}


def test_what_the_families_of_networks_can_is_part_of_the_contract() -> None:
    assert isinstance(FAMILY, Teachable)
