"""The best answer without looking: no other constant does better."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.schema import Task
from pipelines.statistics import quality
from pipelines.statistics.constant import best_constant, repeated
from pipelines.statistics.losses import brier_rows
from tests.small import labelled


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_no_other_constant_is_better(task: Task) -> None:
    labels, schema = labelled(task)
    best = best_constant(labels, schema)
    draw = np.random.default_rng(1)

    def loss(answer: np.ndarray) -> float:
        scores = repeated(answer, len(labels), task)
        if task == "regression":
            return quality.value(task, labels, scores)
        return float(brier_rows(labels, scores).mean())

    for _ in range(50):
        other = draw.dirichlet(np.ones(len(best))) if len(best) > 1 else best + draw.normal(0, 5)
        assert loss(best) <= loss(other)


def test_the_shapes_are_those_of_scores() -> None:
    assert repeated(np.array([0.7, 0.3]), 4, "binary").tolist() == [0.3] * 4
    assert repeated(np.array([0.5, 0.2, 0.3]), 2, "multiclass").shape == (2, 3)
    assert repeated(np.array([-3.0]), 2, "regression").tolist() == [-3.0, -3.0]
