"""An incremental training goes on from what its parent learned, or says why it cannot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.errors import ModelError
from pipelines.models.base import Training
from pipelines.models.neural.network import NETWORK_FILE
from pipelines.schema import Schema
from tests.models.neural.small import trained, training
from tests.small import SCHEMA


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parent")
    trained(training(rows=1500, epochs=12)).save(folder)
    return folder


def test_it_begins_where_the_parent_ended(parent: Path) -> None:
    anew = trained(training(epochs=1)).curve()[0]
    further = trained(replace(training(epochs=1), parent=parent)).curve()[0]
    assert further["loss"] < anew["loss"] - 0.05


def test_it_keeps_the_parents_scale(parent: Path) -> None:
    """Weights mean something on the inputs that they were learned on only."""
    known = training()
    moved = replace(
        known, frame=known.frame.assign(spend=known.frame["spend"] * 100), parent=parent
    )
    still = replace(training(epochs=1, learning_rate=1e-12), parent=parent)
    before, after = trained(still), trained(moved)
    assert np.array_equal(before.inputs.arrays()["means"], after.inputs.arrays()["means"])


def test_a_rate_of_nothing_leaves_the_parent_as_it_is(parent: Path) -> None:
    from pipelines.models.neural.network import read

    known = replace(training(epochs=1, learning_rate=1e-12), parent=parent)
    expected = read(parent / NETWORK_FILE, next_step="").scores(known.frame)
    assert np.allclose(trained(known).scores(known.frame), expected, atol=1e-6)


def test_what_is_learned_with_another_dropout_is_the_same_network(parent: Path) -> None:
    network = trained(replace(training(epochs=1, dropout=0.0), parent=parent))
    assert network.shape["dropout"] == 0.0
    assert not any("dropout" in layer["class_name"].lower() for layer in network.layers["layers"])


def other(**changes: Any) -> Training:
    known = training(**changes.pop("params", {}))
    return replace(known, **changes)


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (other(params={"units": 13}), "its units is 12, not 13"),
        (other(params={"layers": 2}), "its layers is 1, not 2"),
        (other(params={"task": "regression"}), "its task is binary, not regression"),
        (other(params={"task": "multiclass"}), "its classes are none"),
        (other(schema=Schema(("spend",), (), "left")), "it needs the features visits, age, city"),
        (
            other(schema=Schema((*SCHEMA.numbers, "height"), SCHEMA.categories, "left")),
            "it does not know the features height",
        ),
        (
            other(schema=Schema(SCHEMA.numbers[::-1], SCHEMA.categories, "left")),
            "its features come in another order",
        ),
    ],
)
def test_a_parent_of_another_kind_is_refused_with_the_difference(
    known: Training, said: str, parent: Path
) -> None:
    with pytest.raises(ModelError, match=said) as caught:
        trained(replace(known, parent=parent))
    assert caught.value.where == str(parent / NETWORK_FILE)


def test_a_parent_of_another_family_is_refused(tmp_path: Path) -> None:
    from pipelines.models.keras_cnn import KerasCnn
    from tests.models.neural.small import images

    trained(images(units=8, epochs=1)).save(tmp_path)
    with pytest.raises(ModelError, match="its family is keras_mlp, not keras_cnn"):
        trained(replace(images(epochs=1), parent=tmp_path), KerasCnn())


def test_no_parent_where_one_should_be_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"network\.npz"):
        trained(replace(training(), parent=tmp_path))
