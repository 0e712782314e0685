"""Epochs, rungs and the end of a training: when it stops, what it keeps, what it refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipelines.errors import ModelError
from pipelines.models.base import Training
from pipelines.models.keras_mlp import KerasMlp
from pipelines.models.neural import archive
from pipelines.models.neural.checkpoints import STATE_FILE
from pipelines.models.neural.training import RUNGS, held_out
from tests.models.neural.small import is_same, rungs, trained, training
from tests.small import SCHEMA


def meaningless(**params: object) -> Training:
    """Labels that say nothing: what is learned of them does not hold for other rows."""
    known = training(**{"units": 64, "epochs": 40, "dropout": 0.0, **params})
    return replace(known, labels=np.random.default_rng(0).permutation(known.labels))


def test_a_rung_is_a_third_of_the_epochs() -> None:
    found = rungs(training(epochs=7, patience=0))
    assert [len(each.curve()) for each in found] == [2, 4, 7]


def test_a_training_shorter_than_its_rungs_yields_them_all() -> None:
    assert [len(each.curve()) for each in rungs(training(epochs=1))] == [1] * RUNGS


def test_an_earlier_rung_is_not_changed_by_a_later_one() -> None:
    known = training(patience=0)
    course = KerasMlp().fit(known)
    first = next(course)
    before = first.scores(known.frame)
    last = list(course)[-1]
    assert np.array_equal(first.scores(known.frame), before)
    assert not np.array_equal(last.scores(known.frame), before)


def test_the_same_training_gives_the_same_network_and_another_seed_another() -> None:
    known = training()
    assert is_same(trained(known), trained(known))
    assert not is_same(trained(known), trained(replace(known, seed=4)))


def test_without_patience_it_goes_to_the_end_and_keeps_the_end() -> None:
    network = trained(meaningless(patience=0))
    curve = network.curve()
    assert len(curve) == 40
    losses = [row["validation_loss"] for row in curve]
    assert losses[-1] > min(losses)
    assert loss_of(network, meaningless()) == pytest.approx(losses[-1], rel=1e-4)


def test_with_patience_it_stops_and_keeps_the_best() -> None:
    network = trained(meaningless(patience=3))
    losses = [row["validation_loss"] for row in network.curve()]
    assert len(losses) < 40
    assert int(np.argmin(losses)) == len(losses) - 1 - 3
    assert loss_of(network, meaningless()) == pytest.approx(min(losses), rel=1e-4)


def loss_of(network: object, known: Training) -> float:
    """The cross-entropy on the rows held out, by the formula."""
    is_out = held_out(len(known.labels), has_time=True, seed=known.seed)
    scores = network.scores(known.frame[is_out])  # type: ignore[attr-defined]
    labels = known.labels[is_out]
    return float(-np.log(np.where(labels == 1, scores, 1 - scores)).mean())


def test_rungs_after_an_early_end_are_all_the_same_model() -> None:
    found = rungs(meaningless(patience=1))
    assert len(found[0].curve()) < 40 // RUNGS
    assert is_same(found[0], found[-1])


def test_with_a_time_the_last_tenth_is_held_out() -> None:
    is_out = held_out(205, has_time=True, seed=1)
    assert is_out.sum() == 20
    assert is_out[-20:].all()


def test_without_a_time_a_tenth_is_drawn() -> None:
    """Rows that lie class by class must not end with a class that nobody has learned."""
    is_out = held_out(205, has_time=False, seed=1)
    assert is_out.sum() == 20
    assert 0 < is_out[:100].sum() < 20
    assert np.array_equal(is_out, held_out(205, has_time=False, seed=1))
    assert not np.array_equal(is_out, held_out(205, has_time=False, seed=2))


def test_nothing_is_learned_from_the_rows_held_out() -> None:
    known = training(patience=0)
    changed = known.labels.copy()
    changed[-40:] = 1 - changed[-40:]
    one, two = trained(known), trained(replace(known, labels=changed))
    assert all(np.array_equal(a, b) for a, b in zip(one.weights, two.weights, strict=True))
    assert one.curve()[0]["validation_loss"] != two.curve()[0]["validation_loss"]


@pytest.mark.parametrize("rows", [0, 1])
def test_too_few_rows_are_refused(rows: int) -> None:
    with pytest.raises(ModelError, match=f"{rows} rows are too few"):
        held_out(rows, has_time=True, seed=1)


def test_ten_rows_are_enough() -> None:
    known = training()
    few = replace(known, frame=known.frame.head(10), labels=known.labels[:10])
    assert trained(few).scores(few.frame).shape == (10,)


def test_a_loss_that_is_no_number_stops_and_says_so(tmp_path: Path) -> None:
    known = training(
        "regression", optimizer="gd", learning_rate=1e6, schedule="constant", epochs=60, patience=0
    )
    with pytest.raises(ModelError, match="the loss is no number in epoch") as caught:
        trained(replace(known, checkpoints=tmp_path))
    assert "gd at a rate of 5e+06" in caught.value.problem
    assert "keras_mlp" in caught.value.where
    facts, arrays = archive.read(tmp_path / STATE_FILE, next_step="")
    assert f"in epoch {facts['epoch'] + 1}:" in caught.value.problem
    assert f"after epoch {facts['epoch']} is kept" in caught.value.next_step
    assert facts["epoch"] >= 1
    assert all(np.isfinite(value).all() for value in arrays.values())


def test_the_schema_of_the_table_has_a_time() -> None:
    assert SCHEMA.time is not None
