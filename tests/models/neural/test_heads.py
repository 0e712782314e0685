"""The last layer for each task: its loss and its answers, by the formula."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.models.neural.heads import Head
from pipelines.models.neural.runtime import tensorflow
from pipelines.schema import Schema

BINARY = Schema(("a",), (), "y")
CLASSES = Schema(("a",), (), "y", task="multiclass", classes=("a", "b", "c"))
VALUES = Schema(("a",), (), "y", task="regression")
OUTPUTS = np.array([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]], dtype=np.float32)


def softmax(outputs: np.ndarray) -> np.ndarray:
    powers = np.exp(outputs.astype(float))
    return powers / powers.sum(axis=1, keepdims=True)


def answers(head: Head, outputs: np.ndarray) -> dict[str, np.ndarray]:
    found = head.answers(tensorflow().constant(outputs))
    return {name: answer.numpy() for name, answer in found.items()}


def test_classes_have_probabilities_and_a_cross_entropy() -> None:
    head = Head.fitted(np.array([0, 1]), CLASSES)
    assert head.units == 3
    found = answers(head, OUTPUTS)
    assert found["label"].tolist() == [1, 2]
    assert np.allclose(head.scores(found), softmax(OUTPUTS))
    losses = head.losses(tensorflow().constant([2, 0], dtype="int64"), OUTPUTS).numpy()
    assert np.allclose(losses, -np.log(softmax(OUTPUTS)[[0, 1], [2, 0]]))


def test_two_classes_are_told_by_the_probability_of_the_second() -> None:
    head = Head.fitted(np.array([0, 1]), BINARY)
    outputs = OUTPUTS[:, :2]
    found = answers(head, outputs)
    assert found["probabilities"].shape == (2, 2)
    scores = head.scores(found)
    assert scores.dtype == np.float64
    assert np.allclose(scores, softmax(outputs)[:, 1])


def test_values_are_learned_standardised_and_answered_in_their_unit() -> None:
    labels = np.array([1000.0, 1010.0, 990.0, 1020.0])
    head = Head.fitted(labels, VALUES)
    targets = head.targets(labels)
    assert targets.dtype == np.float32
    assert targets.mean() == pytest.approx(0, abs=1e-6)
    assert targets.std() == pytest.approx(1)
    assert np.allclose(head.scores(answers(head, targets[:, None])), labels)


def test_an_outlier_weighs_by_its_distance_and_not_its_square() -> None:
    head = Head.fitted(np.array([0.0, 1.0]), VALUES)
    tf = tensorflow()
    losses = head.losses(tf.constant([0.0, 0.0]), tf.constant([[0.5], [100.0]])).numpy()
    assert np.allclose(losses, [0.125, 99.5])


def test_labels_that_are_all_equal_do_not_divide_by_zero() -> None:
    head = Head.fitted(np.full(3, 5.0), VALUES)
    assert head.targets(np.full(3, 5.0)).tolist() == [0, 0, 0]
