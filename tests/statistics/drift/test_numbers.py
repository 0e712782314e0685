from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pipelines.statistics.drift import numbers
from pipelines.statistics.drift.numbers import Steps

VALUES = st.lists(st.integers(-5, 5), min_size=1, max_size=60)


@given(VALUES, VALUES, st.integers(0, 60))
def test_the_distance_is_that_of_the_two_samples_in_any_portions(
    before: list[int], now: list[int], cut: int
) -> None:
    known, seen = np.array(before, dtype=float), np.array(now, dtype=float)
    steps = Steps.of(known)
    placed = steps.place(seen[:cut]) + steps.place(seen[cut:])
    expected = stats.ks_2samp(known, seen).statistic
    assert numbers.ks_distance(steps, placed) == pytest.approx(expected, abs=1e-12)
    assert placed.size == len(now)


def test_missing_values_are_no_values() -> None:
    steps = Steps.of(np.array([1.0, np.nan, 2.0]))
    assert steps.size == 2
    assert steps.place(np.array([np.nan, 1.5])).size == 1


def test_nothing_is_no_distance_from_anything() -> None:
    empty = Steps.of(np.array([np.nan]))
    placed = empty.place(np.array([1.0]))
    assert (numbers.ks_distance(empty, placed), numbers.psi(empty, placed)) == (0.0, 0.0)
    assert numbers.js_distance(empty, placed) == 0.0
    assert placed.outside == 1
    assert numbers.ks_p(0.0, 0, 5) == 1.0


def test_the_p_value_is_small_as_often_as_it_says() -> None:
    draw = np.random.default_rng(0)
    steps = Steps.of(draw.normal(size=3000))
    found = []
    for _ in range(400):
        steps = Steps.of(draw.normal(size=800))
        placed = steps.place(draw.normal(size=600))
        found.append(numbers.ks_p(numbers.ks_distance(steps, placed), 800, 600))
    assert 0.02 < np.mean(np.array(found) < 0.05) < 0.08


def test_the_stability_index_grows_with_the_shift_and_stays_finite() -> None:
    draw = np.random.default_rng(1)
    steps = Steps.of(draw.normal(size=5000))
    found = [numbers.psi(steps, steps.place(draw.normal(shift, 1, 5000))) for shift in (0, 0.3, 1)]
    assert found[0] < 0.01 < found[1] < 0.2 < found[2]
    assert np.isfinite(numbers.psi(steps, steps.place(np.full(100, 99.0))))
    # Between two normal distributions it is the square of the shift.
    assert found[1] == pytest.approx(0.09, abs=0.02)


def test_a_wider_spread_is_far_by_bins_before_it_is_by_steps() -> None:
    draw = np.random.default_rng(2)
    steps = Steps.of(draw.normal(size=5000))
    placed = steps.place(draw.normal(0, 1.35, 5000))
    assert numbers.ks_distance(steps, placed) < 0.1 < numbers.js_distance(steps, placed)


def test_a_constant_compares_with_itself() -> None:
    steps = Steps.of(np.zeros(50))
    assert numbers.psi(steps, steps.place(np.zeros(20))) == 0
    assert numbers.js_distance(steps, steps.place(np.zeros(20))) == 0
    assert numbers.ks_distance(steps, steps.place(np.ones(20))) == 1.0
