"""A trained network: answers that stand for themselves, and a file that says all of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipelines.errors import ModelError
from pipelines.models.base import Charted, Continuable
from pipelines.models.neural import archive
from pipelines.models.neural.network import NETWORK_FILE, read
from pipelines.schema import Task
from tests.models.neural.small import is_same, trained, training


def test_it_is_what_stages_ask_for() -> None:
    network = trained(training())
    assert isinstance(network, Continuable)
    assert isinstance(network, Charted)


@pytest.mark.parametrize(
    ("task", "shape"), [("binary", (400,)), ("multiclass", (400, 3)), ("regression", (400,))]
)
def test_scores_have_the_shape_of_their_task(task: Task, shape: tuple[int, ...]) -> None:
    known = training(task)
    scores = trained(known).scores(known.frame)
    assert scores.shape == shape
    assert scores.dtype == np.float64
    if task == "multiclass":
        assert np.allclose(scores.sum(axis=1), 1, atol=1e-6)


def test_a_row_is_answered_alone_as_it_is_among_many() -> None:
    known = training()
    network = trained(known)
    whole = network.scores(known.frame)
    for row in (0, 7, 255, 256, 399):
        assert network.scores(known.frame.iloc[[row]])[0] == whole[row]


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_what_was_saved_answers_the_same(task: Task, tmp_path: Path) -> None:
    known = training(task)
    network = trained(known)
    network.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [NETWORK_FILE]
    again = read(tmp_path / NETWORK_FILE, next_step="")
    assert again.schema == network.schema
    assert is_same(again, network)
    assert np.array_equal(again.scores(known.frame), network.scores(known.frame))
    assert again.to_onnx("shop") == network.to_onnx("shop")


@pytest.mark.parametrize("lacking", ["layers", "schema", "inputs"])
def test_a_file_of_something_else_is_refused(lacking: str, tmp_path: Path) -> None:
    trained(training()).save(tmp_path)
    path = tmp_path / NETWORK_FILE
    facts, arrays = archive.read(path, next_step="")
    del facts[lacking]
    archive.write(path, facts, arrays)
    with pytest.raises(ModelError, match=lacking) as caught:
        read(path, next_step="train anew")
    assert (caught.value.where, caught.value.next_step) == (str(path), "train anew")


def test_the_curve_has_a_row_for_each_epoch() -> None:
    curve = trained(training(epochs=5, patience=0)).curve()
    assert [row["epoch"] for row in curve] == [1, 2, 3, 4, 5]
    assert all(row.keys() == {"epoch", "loss", "validation_loss"} for row in curve)
    curve[0]["loss"] = 0.0
    assert trained(training(epochs=5, patience=0)).curve()[0]["loss"] > 0


def test_the_same_training_leaves_the_same_file(tmp_path: Path) -> None:
    """DVC keeps it: a digest that changes without a reason would be another version."""
    for name in ("one", "two"):
        trained(training()).save(tmp_path / name)
    one, two = (tmp_path / name / NETWORK_FILE for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
