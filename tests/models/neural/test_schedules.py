"""Learning rates: where they begin, where they end, and the way between."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.models.neural.schedules import SCHEDULES, schedule

STEPS = 300


def rates(name: str) -> np.ndarray:
    made = schedule(name, 0.5, STEPS, 0.01)
    return np.array([float(made(step)) if callable(made) else made for step in range(STEPS + 1)])


@pytest.mark.parametrize("name", SCHEDULES)
def test_it_begins_at_the_rate_and_never_rises(name: str) -> None:
    found = rates(name)
    assert found[0] == pytest.approx(0.5)
    assert (np.diff(found) <= 1e-9).all()


@pytest.mark.parametrize("name", ["exponential", "cosine", "step"])
def test_it_ends_at_its_share_of_the_rate(name: str) -> None:
    assert rates(name)[-1] == pytest.approx(0.005)


def test_the_ways_are_different() -> None:
    middle = STEPS // 2
    assert rates("constant")[middle] == 0.5
    assert rates("exponential")[middle] == pytest.approx(0.5 * 0.01**0.5)
    assert rates("cosine")[middle] == pytest.approx(0.5 * (1 + 0.01) / 2)
    assert len(np.unique(rates("step").round(9))) == 3


def test_a_training_of_one_step_has_a_rate() -> None:
    for name in SCHEDULES:
        made = schedule(name, 0.5, 1, 0.01)
        assert (float(made(0)) if callable(made) else made) == pytest.approx(0.5)
