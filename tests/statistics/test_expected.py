from __future__ import annotations

import numpy as np
import pytest

from pipelines.statistics.auc import auc
from pipelines.statistics.expected import Calibration, expected_accuracy, expected_auc


def test_probabilities_that_mean_what_they_say_promise_the_auc_that_comes() -> None:
    draw = np.random.default_rng(0)
    said = np.sort(draw.beta(2, 5, size=50_000))
    came = (draw.random(said.size) < said).astype(np.int64)
    weights = np.ones(said.size, dtype=np.int64)
    assert expected_auc(said, weights) == pytest.approx(auc(came, said), abs=0.01)
    assert expected_accuracy(np.maximum(said, 1 - said), weights) == pytest.approx(
        float(((said > 0.5) == came).mean()), abs=0.01
    )


def test_overconfidence_is_learned_from_labels() -> None:
    draw = np.random.default_rng(1)
    true = draw.beta(2, 2, size=40_000)
    said = np.clip(0.5 + 1.8 * (true - 0.5), 0, 1)
    came = (draw.random(true.size) < true).astype(np.int64)
    meant = Calibration.of(came, said)(said)
    assert np.abs(meant - true).mean() < 0.03


def test_certainty_of_one_class_promises_nothing() -> None:
    assert expected_auc(np.zeros(3), np.ones(3, dtype=np.int64)) == 0.5
    assert expected_accuracy(np.zeros(1), np.zeros(1, dtype=np.int64)) == 0.0
