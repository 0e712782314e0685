"""Bounds on a mean: valid at all looks together, and narrow where values vary little."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.statistics.sequential.bounded_mean import NO_VALUES, Moments

values = st.lists(st.floats(0, 1), max_size=30)


def of(seen) -> Moments:
    seen = np.asarray(seen, dtype=float)
    return Moments(seen.size, float(seen.sum()), float((seen**2).sum()))


@given(first=values, second=values, limit=st.floats(0, 1))
def test_two_halves_are_the_whole_in_any_order(first, second, limit) -> None:
    whole, halves = of([*second, *first]), of(first) + of(second)
    assert halves.count == whole.count
    assert halves.log_e_below(limit) == pytest.approx(whole.log_e_below(limit), abs=1e-6)
    assert halves.log_e_above(limit) == pytest.approx(whole.log_e_above(limit), abs=1e-6)


@given(seen=values, limit=st.floats(0, 1), times=st.integers(1, 10**7))
def test_it_is_never_undefined(seen, limit, times) -> None:
    once = of(seen)
    many = Moments(once.count * times, once.total * times, once.squares * times)
    assert math.isfinite(many.log_e_below(limit))
    assert math.isfinite(many.log_e_above(limit))


@given(seen=values)
def test_the_mean_lies_within_its_bounds(seen) -> None:
    bounds = of(seen).interval(0.05)
    assert 0 <= bounds.low <= bounds.value + 1e-9
    assert bounds.value - 1e-9 <= bounds.high <= 1


def test_nothing_seen_bounds_nothing() -> None:
    bounds = NO_VALUES.interval(0.05)
    assert (bounds.low, bounds.high, NO_VALUES.mean) == (0, 1, 0)


@given(x=st.floats(0, 1), limit=st.floats(0, 1))
def test_one_value_wins_no_more_than_a_bet(x, limit) -> None:
    """The inequality behind it: with bets of 1 + lambda (limit - x) nothing is won on average."""
    bets = np.geomspace(0.005, 0.95, 40)
    assert of([x]).log_e_below(limit) <= np.log(np.mean(1 + bets * (limit - x))) + 1e-9
    assert of([x]).log_e_above(limit) <= np.log(np.mean(1 + bets * (x - limit))) + 1e-9


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.1), (0.04, 0.06)])
def test_at_every_look_the_truth_is_within(low, high) -> None:
    """500 runs of 3,000 values with mean .05: a run fails if any of its looks does."""
    drawn = np.random.default_rng(7).uniform(low, high, (500, 30, 100))
    totals, squares = drawn.sum(axis=2).cumsum(axis=1), (drawn**2).sum(axis=2).cumsum(axis=1)
    failed = 0
    for total, square in zip(totals, squares, strict=True):
        looks = [Moments(100 * (k + 1), total[k], square[k]) for k in range(30)]
        failed += any(
            max(look.log_e_below(0.05), look.log_e_above(0.05)) >= math.log(2 / 0.05)
            for look in looks
        )
    assert failed / 500 <= 0.05


def test_values_that_vary_little_have_narrow_bounds() -> None:
    coin, steady = Moments(2000, 100, 100), Moments(2000, 100, 5.1)
    assert steady.interval(0.05).high - 0.05 < (coin.interval(0.05).high - 0.05) / 3
