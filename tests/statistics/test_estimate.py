import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pipelines.statistics.estimate import Estimate

NUMBERS = st.floats(-1, 1)


@given(NUMBERS, st.floats(1e-4, 1), st.sampled_from([1, 7, 29, math.inf]), NUMBERS)
def test_a_bound_beyond_the_limit_and_a_small_p_value_are_the_same_thing(value, error, df, limit):
    estimate = Estimate(value, error, df, units=30)
    for alpha in (0.01, 0.05, 0.3):
        p_value = estimate.p_above(limit)
        if abs(p_value - alpha) > 1e-6:
            assert (estimate.lower(alpha) > limit) == (p_value < alpha)
        p_value = estimate.p_below(limit)
        if abs(p_value - alpha) > 1e-6:
            assert (estimate.upper(alpha) < limit) == (p_value < alpha)


def test_bounds_are_those_of_student():
    estimate = Estimate(0.5, 0.1, degrees=20, units=21)
    low, high = stats.t.interval(0.9, 20, loc=0.5, scale=0.1)
    interval = estimate.interval(0.9)
    assert (interval.low, interval.high) == (pytest.approx(low), pytest.approx(high))


def test_no_variation_is_no_certainty():
    estimate = Estimate(0.0, 0.0, degrees=math.inf, units=60)
    assert estimate.upper(0.05) == pytest.approx(0.05, abs=0.001)
    assert estimate.p_below(0.05) == pytest.approx(0.0498, abs=0.001)
    assert estimate.p_above(0.05) == 1.0


def test_an_unknown_error_decides_nothing():
    estimate = Estimate(0.9, math.nan, degrees=math.inf, units=10)
    assert not estimate.lower(0.05) > 0
    assert estimate.p_above(0) == estimate.p_below(2) == 1.0
