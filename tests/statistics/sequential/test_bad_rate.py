"""The test of one rate against a limit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.statistics.sequential.bad_rate import log_e_below


def test_it_starts_at_one() -> None:
    assert float(log_e_below(0, 0, 0.01)) == pytest.approx(0, abs=1e-12)


def test_a_clean_record_is_worth_what_the_limit_makes_it() -> None:
    # With the rate known to be 0 it would be (1 - limit)^-n; the mixture is a little behind.
    best = -500 * np.log1p(-0.01)
    assert best - 1.5 < float(log_e_below(500, 0, 0.01)) < best


def test_many_bad_events_speak_against_it() -> None:
    assert float(log_e_below(1000, 30, 0.01)) < -1


@given(
    requests=st.integers(0, 10**8),
    share=st.floats(0, 1),
    limit=st.floats(1e-6, 1, exclude_max=True),
)
def test_it_is_never_undefined(requests: int, share: float, limit: float) -> None:
    assert np.isfinite(log_e_below(requests, int(requests * share), limit))


def test_at_the_limit_it_reaches_its_threshold_as_rarely_as_promised() -> None:
    """2,000 runs of 400 looks at exactly the limit: at most 2.5 % may ever reach 40."""
    bad = np.random.default_rng(5).binomial(50, 0.01, (2000, 400)).cumsum(axis=1)
    requests = 50 * np.arange(1, 401)
    crossed = (log_e_below(requests, bad, 0.01) >= np.log(40)).any(axis=1)
    assert crossed.mean() <= 0.025


def test_well_below_the_limit_it_is_reached() -> None:
    bad = np.random.default_rng(6).binomial(50, 0.002, (200, 400)).cumsum(axis=1)
    requests = 50 * np.arange(1, 401)
    assert (log_e_below(requests, bad, 0.01) >= np.log(40)).any(axis=1).all()
