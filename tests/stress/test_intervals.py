"""Intervals hold what they promise: checked by drawing, and against known values."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pipelines.stress.intervals import of_quantile, of_share

DRAWS = 2000


@pytest.mark.parametrize("count", [300, 1000, 5000])
def test_the_bounds_of_a_percentile_hold_as_often_as_they_say(count: int) -> None:
    draw = np.random.default_rng(7)
    truth = -math.log(0.01)  # of the exponential distribution
    found = [of_quantile(draw.exponential(size=count), 0.99, 0.95) for _ in range(DRAWS)]

    # Four standard errors of a share of 0.95 are 0.02; the bounds are conservative.
    assert np.mean([each.high >= truth for each in found]) >= 0.93
    assert np.mean([each.low <= truth for each in found]) >= 0.93


def test_few_values_leave_the_upper_bound_open() -> None:
    values = np.arange(1.0, 299.0)

    # 0.99 ** 298 is above 5 %, so all of 298 may well lie below the percentile; of 299 not.
    assert of_quantile(values, 0.99, 0.95).high == math.inf
    assert of_quantile(np.arange(1.0, 300.0), 0.99, 0.95).high == 299.0
    assert of_quantile(np.array([5.0]), 0.5, 0.95).low == 0.0


def test_the_value_is_an_order_statistic() -> None:
    values = np.random.default_rng(7).permutation(np.arange(1.0, 1001.0))

    assert of_quantile(values, 0.99, 0.95).value == 990.0
    assert of_quantile(values, 0.5, 0.95).value == 500.0


def test_infinite_values_count_as_the_largest() -> None:
    values = np.concatenate([np.ones(985), np.full(15, math.inf)])
    seen = of_quantile(values, 0.99, 0.95)

    assert (seen.value, seen.high) == (math.inf, math.inf)
    assert of_quantile(values, 0.9, 0.95).high == 1.0


def test_a_share_of_none_follows_the_rule_of_three() -> None:
    seen = of_share(0, 3000, 0.95)

    assert (seen.value, seen.low) == (0.0, 0.0)
    assert seen.high == pytest.approx(-math.log(0.05) / 3000, rel=1e-3)
    assert of_share(5, 5, 0.95).high == 1.0


@pytest.mark.parametrize("truth", [0.001, 0.01, 0.2])
def test_the_bounds_of_a_share_hold_as_often_as_they_say(truth: float) -> None:
    draw = np.random.default_rng(7)
    found = [of_share(int(hits), 500, 0.95) for hits in draw.binomial(500, truth, size=DRAWS)]

    assert np.mean([each.high >= truth for each in found]) >= 0.95 - 0.02
    assert np.mean([each.low <= truth for each in found]) >= 0.95 - 0.02
