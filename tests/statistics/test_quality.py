"""One measure a task: its value, its difference, and how far both may be off."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from pipelines.schema import Task
from pipelines.statistics import quality
from pipelines.statistics.blocks import Blocks

Drawn = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]
TASKS: tuple[Task, ...] = ("binary", "multiclass", "regression")


def draw(task: Task, rows: int, seed: int, loss: float = 0.0) -> Drawn:
    """Truth and the answers of two models of which the second is worse by about `loss`."""
    generator = np.random.default_rng(seed)
    signal = generator.normal(size=rows)
    first, second = (signal + generator.normal(0, 0.5, rows) for _ in range(2))
    second = second + loss * generator.normal(0, 3, rows)
    if task == "regression":
        return signal, first, second
    if task == "binary":
        return (signal + generator.normal(size=rows) > 0).astype(float), first, second
    edges = np.array([-1.0, 0.0, 1.0])
    truth = np.digitize(signal, [-0.5, 0.5]).astype(float)
    return truth, -np.abs(first[:, None] - edges), -np.abs(second[:, None] - edges)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("days", [25, None])
def test_a_difference_has_the_sign_of_what_is_better(task: Task, days: int | None) -> None:
    truth, good, bad = draw(task, 4000, seed=1, loss=0.5)
    blocks = Blocks.of(np.arange(4000) % days if days else np.arange(4000))
    found = quality.difference(task, truth, (good, bad), blocks, 300, 1)
    assert found.value > 0
    assert found.lower(0.05) > 0
    turned = quality.difference(task, truth, (bad, good), blocks, 300, 1)
    assert turned.value == pytest.approx(-found.value)
    apart = quality.goodness(task, truth, good) - quality.goodness(task, truth, bad)
    assert found.value == pytest.approx(apart)


@pytest.mark.parametrize("task", ["multiclass", "regression"])
@pytest.mark.parametrize("days", [25, None])
def test_equal_models_are_called_different_about_as_often_as_alpha_says(
    task: Task, days: int | None
) -> None:
    called = 0
    for seed in range(300):
        blocks = Blocks.of(np.arange(500) % days if days else np.arange(500))
        truth, first, second = draw(task, 500, seed)
        called += (
            quality.difference(task, truth, (first, second), blocks, 200, seed).p_above(0) < 0.05
        )
    # 15 are expected; more than 28 or fewer than 5 would happen once in a thousand.
    assert 5 <= called <= 28


def test_the_measures_are_those_of_scikit_learn() -> None:
    from sklearn.metrics import accuracy_score, mean_absolute_error, roc_auc_score

    truth, scores, _ = draw("binary", 500, 3)
    assert quality.value("binary", truth, scores) == pytest.approx(roc_auc_score(truth, scores))
    truth, scores, _ = draw("multiclass", 500, 3)
    hits = accuracy_score(truth, scores.argmax(axis=1))
    assert quality.value("multiclass", truth, scores) == pytest.approx(hits)
    truth, scores, _ = draw("regression", 500, 3)
    off = mean_absolute_error(truth, scores)
    assert quality.value("regression", truth, scores) == pytest.approx(off)
    assert quality.goodness("regression", truth, scores) == pytest.approx(-off)


@pytest.mark.parametrize("task", TASKS)
def test_an_estimate_holds_its_value(task: Task) -> None:
    truth, scores, _ = draw(task, 1000, 4)
    for blocks in (Blocks.of(np.arange(1000)), Blocks.of(np.arange(1000) % 20)):
        found = quality.estimate(task, truth, scores, blocks, 200, 1)
        assert found.value == pytest.approx(quality.value(task, truth, scores))
        assert found.standard_error > 0
