"""Hyperparameters: defaults that suit the optimiser, and a clear word on what does not belong."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.errors import ModelError
from pipelines.models.keras_mlp import KerasMlp
from pipelines.models.neural.optimizers import OPTIMIZERS, options_of_all
from pipelines.models.neural.plan import Plan, plan, searched
from pipelines.models.space import Real, defaults

OWN = {"dropout": Real(0.0, 0.6, default=0.2)}
SPACE = searched(epochs=9, own=OWN)


def planned(**params: Any) -> Plan:
    return plan("keras_mlp", SPACE, OWN, params)


def test_the_nine_optimisers_are_there() -> None:
    names = {"gd", "sgd", "momentum", "nesterov", "adagrad", "adadelta", "rmsprop", "adam", "adamw"}
    assert set(OPTIMIZERS) == names


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimiser_can_be_searched_with_a_rate_of_its_own(name: str) -> None:
    """A sampler sets every knob of the space, whichever optimiser it has chosen."""
    found = planned(**{**defaults(SPACE), "optimizer": name})
    assert found.optimizer == name
    assert found.rate == OPTIMIZERS[name].rate
    assert found.options == defaults(OPTIMIZERS[name].options)


def test_the_rate_is_a_multiple_of_the_one_given_or_of_the_optimisers_own() -> None:
    assert planned(learning_rate_scale=2.0).rate == 2 * OPTIMIZERS["adam"].rate
    assert planned(learning_rate=0.5).rate == 0.5
    assert planned(learning_rate=0.5, learning_rate_scale=0.1).rate == pytest.approx(0.05)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_option_of_another_optimiser_is_refused_and_the_right_ones_are_listed(name: str) -> None:
    own = OPTIMIZERS[name].options
    for other in options_of_all().keys() - own.keys():
        with pytest.raises(ModelError, match=f"^params.yaml.*{name} has no option") as caught:
            planned(optimizer=name, **{other: 0.5})
        assert caught.value.where == f"params.yaml: train.fixed.{other}"
        for option in ["learning_rate", *own]:
            assert option in caught.value.problem
    for option in own:
        assert planned(optimizer=name, **{option: 0.5}).options[option] == 0.5


def test_an_option_that_no_optimiser_has_is_refused_and_the_allowed_are_listed() -> None:
    with pytest.raises(ModelError, match="keras_mlp has no hyperparameter 'nu'") as caught:
        planned(optimizer="momentum", nu=0.7)
    for allowed in ("momentum", "patience", "final_rate_share", "learning_rate", *SPACE):
        assert allowed in caught.value.problem
    assert "beta_1" not in caught.value.problem


@pytest.mark.parametrize("name", ["lion", "Adam", "", 3])
def test_an_unknown_optimiser_is_refused_and_the_known_are_listed(name: Any) -> None:
    with pytest.raises(ModelError, match="is not a value of") as caught:
        planned(optimizer=name, momentum=0.5)
    assert caught.value.where == "params.yaml: train.fixed.optimizer"
    assert all(known in caught.value.problem for known in OPTIMIZERS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("batch_size", 0),
        ("patience", -1),
        ("learning_rate", 0.0),
        ("learning_rate", -1.0),
        ("learning_rate_scale", 0.0),
        ("final_rate_share", 0.0),
        ("final_rate_share", 1.5),
        ("dropout", 1.0),
        ("dropout", -0.1),
        ("beta_1", 1.0),
    ],
)
def test_a_value_without_a_meaning_is_refused(name: str, value: float) -> None:
    with pytest.raises(ModelError, match="must be") as caught:
        planned(**{name: value})
    assert caught.value.where == f"params.yaml: train.fixed.{name}"


@pytest.mark.parametrize(("name", "value"), [("epochs", 2.5), ("learning_rate", "fast")])
def test_a_value_of_another_kind_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ModelError, match="is not a value of"):
        planned(**{name: value})


def test_the_family_keeps_what_shapes_its_layers() -> None:
    assert planned(dropout=0.5).shape == {"dropout": 0.5}
    assert "optimizer" in KerasMlp().space()
    assert planned(epochs=100).epochs == 100
