"""Labels that mean nothing are predicted as well as chance says, and no better."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.schema import Task
from pipelines.statistics.chance import chance
from tests.statistics.test_quality import TASKS, draw


@pytest.mark.parametrize("task", TASKS)
def test_permuted_labels_lie_within_their_standard_error(task: Task) -> None:
    distances = []
    for seed in range(200):
        truth, scores, _ = draw(task, 300, seed)
        permuted = np.random.default_rng(seed).permutation(truth)
        found = chance(task, permuted, scores)
        distances.append((found.value - found.expected) / found.standard_error)
    assert abs(np.mean(distances)) < 0.25
    assert 0.8 < np.std(distances) < 1.2


@pytest.mark.parametrize("task", TASKS)
def test_true_labels_are_far_from_chance(task: Task) -> None:
    truth, scores, _ = draw(task, 300, 1)
    found = chance(task, truth, scores)
    assert (found.value - found.expected) / found.standard_error > 5


def test_where_there_is_nothing_to_measure() -> None:
    assert np.isnan(chance("binary", np.ones(10), np.linspace(0, 1, 10)).standard_error)
    constant = chance("regression", np.arange(10.0), np.full(10, 3.0))
    assert (constant.value, constant.expected) == (0.0, 0.0)
    same = np.tile([0.9, 0.1], (10, 1))
    assert chance("multiclass", np.zeros(10), same).standard_error > 0
