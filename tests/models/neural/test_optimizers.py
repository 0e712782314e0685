"""Every optimiser learns, each in its own way."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.models.neural.optimizers import OPTIMIZERS
from tests.models.neural.small import is_same, trained, training


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_it_learns_at_its_own_rate(name: str) -> None:
    """No option is given: what suits the optimiser is the default."""
    known = training(
        rows=1200, optimizer=name, learning_rate_scale=1.0, epochs=8, batch_size=16, units=48
    )
    curve = trained(known).curve()
    assert curve[-1]["loss"] < 0.97 * curve[0]["loss"]
    assert curve[-1]["validation_loss"] < 0.68  # a coin says log 2, and that is 0.693


def test_gradient_descent_takes_one_step_an_epoch_along_the_gradient_of_all_rows() -> None:
    """The size of a batch changes nothing but the rounding, and neither does the order."""
    made = [
        trained(training(optimizer="gd", dropout=0.0, batch_size=size)).weights for size in (16, 99)
    ]
    assert all(np.array_equal(one, two) for one, two in zip(*made, strict=True))


def test_gradient_descent_is_sgd_with_a_batch_of_all_rows() -> None:
    params = {"dropout": 0.0, "learning_rate": 0.1, "epochs": 3}
    by_all = trained(training(optimizer="gd", **params))
    by_one_batch = trained(training(optimizer="sgd", batch_size=400, **params))
    for one, two in zip(by_all.weights, by_one_batch.weights, strict=True):
        assert np.allclose(one, two, atol=1e-5)


def test_sums_of_parts_are_the_gradient_of_all_rows() -> None:
    """More rows than one pass holds."""
    params = {"dropout": 0.0, "learning_rate": 0.1, "epochs": 2}
    by_all = trained(training(rows=2600, optimizer="gd", **params))
    by_one_batch = trained(training(rows=2600, optimizer="sgd", batch_size=2600, **params))
    for one, two in zip(by_all.weights, by_one_batch.weights, strict=True):
        assert np.allclose(one, two, atol=1e-5)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"optimizer": "momentum"}, {"optimizer": "nesterov"}),
        ({"optimizer": "momentum"}, {"optimizer": "momentum", "momentum": 0.5}),
        ({"optimizer": "adam"}, {"optimizer": "adamw", "weight_decay": 0.1}),
        ({"schedule": "cosine"}, {"schedule": "step"}),
        ({"schedule": "cosine"}, {"schedule": "cosine", "final_rate_share": 1.0}),
    ],
)
def test_what_is_chosen_changes_the_model(one: dict[str, object], two: dict[str, object]) -> None:
    assert not is_same(trained(training(epochs=3, **one)), trained(training(epochs=3, **two)))


def test_without_a_momentum_it_is_plain_descent() -> None:
    plain = trained(training(optimizer="sgd", learning_rate=0.05))
    without = trained(training(optimizer="momentum", learning_rate=0.05, momentum=0.0))
    for one, two in zip(plain.weights, without.weights, strict=True):
        assert np.allclose(one, two, atol=1e-6)
