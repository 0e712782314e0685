"""How far two sets of answers lie apart; what cannot be compared is infinitely far."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pipelines.inference.answers import distance


def test_probabilities_as_they_are_and_values_by_their_size() -> None:
    ones = np.array([[0.2, 0.8], [0.5, 0.5]])
    assert distance(ones, ones + np.array([[0.0, 0.1], [0.0, 0.0]]), "multiclass") == pytest.approx(
        0.1
    )
    assert distance(np.array([0.2]), np.array([0.5]), "binary") == pytest.approx(0.3)
    values = np.array([0.5, -200.0])
    assert distance(values, values + 1, "regression") == 1.0
    assert distance(values[1:], values[1:] + 1, "regression") == pytest.approx(1 / 200)


def test_what_does_not_compare_is_infinitely_far() -> None:
    assert distance(np.ones(3), np.ones(2), "binary") == math.inf
    assert distance(np.array([np.nan]), np.array([np.nan]), "regression") == math.inf
    assert distance(np.array([np.inf]), np.array([1.0]), "regression") == math.inf
    assert distance(np.empty(0), np.empty(0), "binary") == 0.0
