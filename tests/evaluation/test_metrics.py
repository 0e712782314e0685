"""Metrics with intervals that hold their value."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from pipelines.errors import DataError
from pipelines.evaluation.metrics import Certainty, auc_interval, importance, measure
from pipelines.statistics.auc import auc
from pipelines.statistics.blocks import Blocks

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
        for found in measure(*sample(seed=seed), CERTAINTY).values():
            assert 0 <= found["low"] <= found["value"] <= found["high"]
    assert found["high"] < np.inf


def test_the_values_are_those_of_scikit_learn() -> None:
    from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

    labels, scores, blocks = sample()
    found = measure(labels, scores, blocks, CERTAINTY)
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
        found = auc_interval(labels, scores, blocks, Certainty(150, 0.95, seed))
        held += found.low <= truth <= found.high
    assert held >= 52


def test_a_perfect_model_has_an_auc_of_one_and_no_more() -> None:
    labels = np.tile([0, 1], 200)
    scores = labels * 0.8 + 0.1
    found = auc_interval(labels, scores, Blocks.of(np.arange(400) // 20), CERTAINTY)
    assert found.value == found.high == 1.0
    assert found.low < 1.0


def test_the_trivial_baseline_ranks_nothing() -> None:
    labels, _, blocks = sample()
    found = measure(labels, np.full(2000, labels.mean()), blocks, CERTAINTY)
    assert found["auc"]["value"] == 0.5
    assert found["ece"]["value"] == pytest.approx(0, abs=1e-12)
    share = labels.mean()
    assert found["brier"]["value"] == pytest.approx(share * (1 - share))


def test_the_same_seed_gives_the_same_intervals() -> None:
    assert measure(*sample(), CERTAINTY) == measure(*sample(), CERTAINTY)


def test_one_class_only_is_refused() -> None:
    labels, scores, blocks = sample()
    with pytest.raises(DataError):
        measure(np.ones_like(labels), scores, blocks, CERTAINTY)


def test_importance_finds_what_the_scores_are_made_of() -> None:
    draw = np.random.default_rng(1)
    known = {name: draw.normal(size=3000) for name in ("much", "little", "none")}
    labels = draw.random(3000) < 1 / (1 + np.exp(-2 * known["much"] - 0.5 * known["little"]))

    def score(column: str | None, order: npt.NDArray[np.int64] | None) -> npt.NDArray[np.float64]:
        given = {
            name: values[order] if name == column else values for name, values in known.items()
        }
        return 1 / (1 + np.exp(-2 * given["much"] - 0.5 * given["little"]))

    found = importance(score, ["none", "little", "much"], labels.astype(np.int64), seed=2)
    assert list(found) == ["much", "little", "none"]
    assert found["none"] == 0.0
    assert found["much"] > 0.2 > found["little"] > 0
