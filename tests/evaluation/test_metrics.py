"""Metrics with intervals that hold their value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pipelines.errors import DataError
from pipelines.evaluation.metrics import Certainty, confusion, measure, quality_interval
from pipelines.evaluation.names import METRICS
from pipelines.schema import Task
from pipelines.statistics.auc import auc
from pipelines.statistics.blocks import Blocks

Labels = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float64]
CERTAINTY = Certainty(rounds=300, confidence=0.95, seed=3)


def sample(
    rows: int = 2000, days: int = 20, strength: float = 1.5, seed: int = 0
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], Blocks]:
    """Labels, calibrated probabilities, days."""
    draw = np.random.default_rng(seed)
    scores = 1 / (1 + np.exp(-strength * draw.normal(size=rows) + 1))
    labels = (draw.random(rows) < scores).astype(np.int64)
    return labels, scores, Blocks.of(draw.integers(0, days, rows))


def test_every_value_lies_within_its_interval_and_range() -> None:
    for seed in range(5):
        for found in measure("binary", *sample(seed=seed), CERTAINTY).values():
            assert 0 <= found["low"] <= found["value"] <= found["high"]
    assert found["high"] < np.inf


def test_the_values_are_those_of_scikit_learn() -> None:
    from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

    labels, scores, blocks = sample()
    found = measure("binary", labels, scores, blocks, CERTAINTY)
    assert found["auc"]["value"] == pytest.approx(roc_auc_score(labels, scores))
    assert found["log_loss"]["value"] == pytest.approx(log_loss(labels, scores))
    assert found["brier"]["value"] == pytest.approx(brier_score_loss(labels, scores))
    assert found["ece"]["value"] < 0.05


@pytest.mark.parametrize("days", [20, 2000])
def test_intervals_hold_the_truth_about_as_often_as_they_say(days: int) -> None:
    """Blocks, or rows that are each their own: 60 samples, 95 % asked for."""
    truth = auc(*sample(rows=400_000, seed=999)[:2])
    held = 0
    for seed in range(60):
        labels, scores, blocks = sample(rows=1500, days=days, seed=seed)
        blocks = Blocks.of(np.arange(1500)) if days > 1000 else blocks
        found = quality_interval("binary", labels, scores, blocks, Certainty(150, 0.95, seed))
        held += found.low <= truth <= found.high
    assert held >= 52


def test_a_perfect_model_has_an_auc_of_one_and_no_more() -> None:
    labels = np.tile([0, 1], 200)
    scores = labels * 0.8 + 0.1
    found = quality_interval("binary", labels, scores, Blocks.of(np.arange(400) // 20), CERTAINTY)
    assert found.value == found.high == 1.0
    assert found.low < 1.0


def test_the_trivial_baseline_ranks_nothing() -> None:
    labels, _, blocks = sample()
    found = measure("binary", labels, np.full(2000, labels.mean()), blocks, CERTAINTY)
    assert found["auc"]["value"] == 0.5
    assert found["ece"]["value"] == pytest.approx(0, abs=1e-12)
    share = labels.mean()
    assert found["brier"]["value"] == pytest.approx(share * (1 - share))


def test_the_same_seed_gives_the_same_intervals() -> None:
    assert measure("binary", *sample(), CERTAINTY) == measure("binary", *sample(), CERTAINTY)


def test_one_class_only_is_refused() -> None:
    labels, scores, blocks = sample()
    with pytest.raises(DataError):
        measure("binary", np.ones_like(labels), scores, blocks, CERTAINTY)


def classes(rows: int = 2000, seed: int = 0) -> tuple[Labels, Scores, Blocks]:
    """Three classes that are mostly told apart, calibrated, in twenty days."""
    draw = np.random.default_rng(seed)
    scores = draw.dirichlet([0.4, 0.4, 0.4], rows)
    labels = (draw.random((rows, 1)) > scores.cumsum(axis=1)).sum(axis=1)
    return labels, scores, Blocks.of(draw.integers(0, 20, rows))


def delays(rows: int = 2000, seed: int = 0) -> tuple[Scores, Scores, Blocks]:
    """Minutes that are half foreseen, in twenty days."""
    draw = np.random.default_rng(seed)
    values = draw.normal(8, 20, rows)
    return values + draw.normal(0, 20, rows), values, Blocks.of(draw.integers(0, 20, rows))


def test_several_classes_are_measured_as_scikit_learn_does() -> None:
    from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, log_loss

    labels, scores, blocks = classes()
    found = measure("multiclass", labels, scores, blocks, CERTAINTY)
    decided = scores.argmax(axis=1)
    assert found["accuracy"]["value"] == pytest.approx(accuracy_score(labels, decided))
    assert found["macro_f1"]["value"] == pytest.approx(f1_score(labels, decided, average="macro"))
    assert found["log_loss"]["value"] == pytest.approx(log_loss(labels, scores))
    assert found["ece"]["value"] < 0.05
    assert confusion(labels, scores) == confusion_matrix(labels, decided).tolist()


def test_values_are_measured_as_scikit_learn_does() -> None:
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    truth, values, blocks = delays()
    found = measure("regression", truth, values, blocks, CERTAINTY)
    assert found["mae"]["value"] == pytest.approx(mean_absolute_error(truth, values))
    assert found["rmse"]["value"] == pytest.approx(root_mean_squared_error(truth, values))
    assert found["r2"]["value"] == pytest.approx(r2_score(truth, values))
    assert found["bias"]["low"] < 0 < found["bias"]["high"]


@pytest.mark.parametrize(("task", "drawn"), [("multiclass", classes), ("regression", delays)])
def test_every_metric_of_a_task_holds_its_value(task: Task, drawn: Callable[..., Any]) -> None:
    found = measure(task, *drawn(), CERTAINTY)
    assert list(found) == [metric.key for metric in METRICS[task]]
    for metric in METRICS[task]:
        interval = found[metric.key]
        assert metric.lowest <= interval["low"] <= interval["value"] <= interval["high"]
        assert interval["high"] <= metric.highest
