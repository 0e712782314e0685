import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pipelines.statistics.multiplicity import adjusted_p, rejected, spent_alpha

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=30).map(np.array)


@given(P_VALUES)
def test_adjusted_values_are_those_of_scipy(p_values):
    assert np.allclose(adjusted_p(p_values), stats.false_discovery_control(p_values))


@given(P_VALUES, st.floats(0.001, 0.2), st.floats(0.001, 0.2))
def test_a_wider_rate_never_rejects_less(p_values, one, other):
    low, high = sorted((one, other))
    assert not (rejected(p_values, low) & ~rejected(p_values, high)).any()


@given(P_VALUES)
def test_a_smaller_p_value_is_never_adjusted_above_a_larger_one(p_values):
    adjusted = adjusted_p(p_values)[np.argsort(p_values)]
    assert (np.diff(adjusted) >= 0).all()
    assert (adjusted >= np.sort(p_values) - 1e-15).all()


@given(P_VALUES)
def test_everything_is_rejected_just_when_the_largest_is_small(p_values):
    assert rejected(p_values, 0.05).all() == (p_values.max() <= 0.05)


def test_false_rejections_are_rare_when_nothing_is_there():
    generator = np.random.default_rng(1)
    fired = [rejected(generator.random(20), 0.05).any() for _ in range(4000)]
    assert np.mean(fired) < 0.06


def test_all_questions_together_cost_at_most_alpha():
    prices = [spent_alpha(0.05, asked) for asked in range(10_000)]
    assert sum(prices) <= 0.05
    assert sum(prices) == pytest.approx(0.05, rel=1e-3)
    assert prices == sorted(prices, reverse=True)
    assert prices[0] == pytest.approx(0.0304, abs=1e-4)
