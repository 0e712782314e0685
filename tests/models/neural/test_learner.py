"""One epoch after the other: all rows, in an order that depends on nothing but seed and number."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.models.neural.heads import Head
from pipelines.models.neural.layers import Stack
from pipelines.models.neural.learner import Learner, Rows
from pipelines.models.neural.plan import plan, searched
from pipelines.models.neural.runtime import keras, tensorflow

KNOWN = Rows(
    np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32),
    np.arange(50, dtype=np.int64) % 2,
)


def learner(seed: int = 1, **params: object) -> Learner:
    stack = Stack(seed=5)
    stack.dense(6)
    stack.drop(0.5)
    model = keras().Sequential(
        [keras().Input((4,)), *stack.layers, keras().layers.Dense(2, kernel_initializer="ones")]
    )
    chosen = plan("keras_mlp", searched(4, {}), {}, {"batch_size": 16, **params})
    return Learner(model, Head("binary", 2), chosen, seed, KNOWN, KNOWN)


def test_the_state_is_all_that_the_next_epoch_depends_on() -> None:
    """Weights, moments, step of the schedule, and what dropout draws next."""
    one, other = learner(), learner()
    one.epoch(1)
    assert one.epoch(2) != other.epoch(2)
    before = one.state()
    expected = one.epoch(3)
    other.restore(before)
    assert other.epoch(3) == expected
    after = one.state()
    assert all(np.array_equal(after[name], value) for name, value in other.state().items())
    assert any(not np.array_equal(after[name], before[name]) for name in before if "model" in name)


def test_the_order_depends_on_the_seed_and_on_the_epoch() -> None:
    def weights(seed: int, number: int) -> list[np.ndarray]:
        made = learner(seed)
        made.epoch(number)
        return [value for name, value in made.state().items() if name.startswith("model")]

    def is_same(one: list[np.ndarray], two: list[np.ndarray]) -> bool:
        return all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))

    assert is_same(weights(1, 1), weights(1, 1))
    assert not is_same(weights(1, 1), weights(2, 1))
    assert not is_same(weights(1, 1), weights(1, 2))


def test_measuring_changes_nothing() -> None:
    made = learner()
    before = made.state()
    first = made.validation_loss()
    assert made.validation_loss() == first
    assert all(np.array_equal(before[name], value) for name, value in made.state().items())


def test_the_validation_loss_is_the_mean_over_the_rows_without_dropout() -> None:
    made = learner()
    outputs = made.model(KNOWN.inputs, training=False)
    losses = Head("binary", 2).losses(KNOWN.targets, outputs)
    assert np.isclose(made.validation_loss(), np.mean(losses))


def test_the_weights_are_copies() -> None:
    made = learner()
    before = made.weights()
    kept = [np.array(each) for each in before]
    made.epoch(1)
    assert all(np.array_equal(one, two) for one, two in zip(before, kept, strict=True))
    assert not np.array_equal(before[0], made.weights()[0])


def test_rows_are_taken_in_the_order_asked_for() -> None:
    taken = KNOWN.taken(np.array([3, 1]))
    assert len(taken) == 2
    assert np.array_equal(taken.inputs, KNOWN.inputs[[3, 1]])
    assert taken.targets.tolist() == [1, 1]


@pytest.mark.parametrize("optimizer", ["adam", "gd"])
def test_what_is_compiled_computes_what_is_written(optimizer: str) -> None:
    """Line by line in Python, without a graph, the same numbers come out."""
    compiled, plain = learner(optimizer=optimizer), learner(optimizer=optimizer)
    tensorflow().config.run_functions_eagerly(True)
    try:
        expected = [plain.epoch(1), plain.epoch(2), plain.validation_loss()]
    finally:
        tensorflow().config.run_functions_eagerly(False)
    found = [compiled.epoch(1), compiled.epoch(2), compiled.validation_loss()]
    assert found == pytest.approx(expected, rel=1e-5)
    for one, two in zip(compiled.weights(), plain.weights(), strict=True):
        assert np.allclose(one, two, atol=1e-6)
