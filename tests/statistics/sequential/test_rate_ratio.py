"""The test of two rates: it repeats its formula, keeps its promise and forgets the order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.statistics.sequential.rate_ratio import RateRatio, log_e, log_e_of_starts

HARM, RELATIVE = RateRatio.above(1.0), RateRatio.below(2.0)
BOTH = pytest.mark.parametrize("test", [HARM, RELATIVE], ids=["harm", "relative"])
events = st.tuples(st.integers(0, 10**7), st.integers(0, 10**7), st.floats(0, 1))


def q(theta, share):
    return share * theta / (share * theta + 1 - share)


@BOTH
@pytest.mark.parametrize("share", [0.05, 0.25, 0.5])
def test_it_is_the_likelihood_ratio_of_where_a_bad_event_falls(test, share) -> None:
    theta, edge = q(test.thetas, share), q(test.boundary, share)
    product = (theta / edge) ** 3 * ((1 - theta) / (1 - edge)) ** 7
    assert np.exp(test.gain(3, 7, share)) == pytest.approx(product)


def test_the_alternatives_are_where_they_should_be() -> None:
    assert HARM.thetas[0] == pytest.approx(1.25)
    assert HARM.thetas[-1] == pytest.approx(30)
    assert RateRatio.above(1.5).thetas[0] == pytest.approx(1.875)
    assert (RELATIVE.thetas[0], RELATIVE.thetas[-1]) == pytest.approx((0.05, 1))
    assert HARM.thetas.size == RELATIVE.thetas.size == 40


@BOTH
@given(looks=st.lists(events, max_size=8))
def test_it_is_never_undefined(test, looks) -> None:
    logs = test.start() + sum(test.gain(*look) for look in looks)
    # A share of 0 or 1 and an event of the arm without requests contradict each other.
    assert np.isfinite(log_e(logs))


@BOTH
@given(looks=st.lists(events, min_size=2, max_size=8), seed=st.integers(0, 99))
def test_the_order_of_looks_does_not_matter(test, looks, seed) -> None:
    order = np.random.default_rng(seed).permutation(len(looks))
    forward = sum(test.gain(*look) for look in looks)
    shuffled = sum(test.gain(*looks[place]) for place in order)
    assert shuffled == pytest.approx(forward, rel=1e-9, abs=1e-6)


@BOTH
@given(
    first=st.tuples(st.integers(0, 9999), st.integers(0, 9999)),
    second=st.tuples(st.integers(0, 9999), st.integers(0, 9999)),
    share=st.floats(0.01, 0.99),
)
def test_two_halves_of_a_look_are_the_whole(test, first, second, share) -> None:
    halves = test.gain(*first, share) + test.gain(*second, share)
    whole = test.gain(first[0] + second[0], first[1] + second[1], share)
    assert halves == pytest.approx(whole, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("rates", [(0.003, 0.003), (0.3, 0.3), (0.01, 0.03)])
@pytest.mark.parametrize("share", [0.05, 0.5])
def test_under_no_harm_it_is_not_expected_to_grow(rates, share) -> None:
    """Exactly, over all outcomes of a look: its mean is at most 1, for every theta."""
    assert expected(HARM, *rates, share).max() <= 1 + 1e-9


@pytest.mark.parametrize("rates", [(0.006, 0.003), (0.6, 0.3), (0.05, 0.01)])
@pytest.mark.parametrize("share", [0.05, 0.5])
def test_under_a_doubled_rate_it_is_not_expected_to_grow(rates, share) -> None:
    assert expected(RELATIVE, *rates, share).max() <= 1 + 1e-9


def test_by_a_share_that_is_not_the_real_one_it_would_grow_without_harm() -> None:
    """Why it wants the share of the requests, and not the weight that the gateway was given."""
    assert expected(HARM, 0.01, 0.01, share=0.12, told=0.05).max() > 1.1


def expected(test, challenger, champion, share, told=None):
    """Shape (thetas,): the mean of the likelihood ratio over a look of 200 requests.

    `share` is what the challenger had of them, `told` what the test believes.
    """
    here, there = round(200 * share), round(200 * (1 - share))
    told = share if told is None else told
    a, d = np.exp(test.gain(1, 0, told)), np.exp(test.gain(0, 1, told))
    return (1 + challenger * (a - 1)) ** here * (1 + champion * (d - 1)) ** there


def test_it_would_grow_under_harm() -> None:
    assert expected(HARM, 0.05, 0.01, 0.25).max() > 1.3


@BOTH
def test_it_counts_arrays_of_runs_at_once(test) -> None:
    both = test.gain([3, 0], [7, 2], [0.05, 0.5])
    assert both.shape == (2, 40)
    assert both[1] == pytest.approx(test.gain(0, 2, 0.5))


def test_a_late_failure_is_found_sooner_with_a_start_of_its_own() -> None:
    clean, broken = HARM.gain(25, 475, 0.05), HARM.gain(60, 60, 0.25)
    only = np.stack([clean + broken])
    both = np.stack([clean + broken, broken])
    assert float(log_e_of_starts(both)) > float(log_e_of_starts(only)) + 5
