"""Evidence that cannot be is refused where it is made."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import DataError
from pipelines.rollout.evidence import Counts, Evidence, Exposure, ShadowPairs
from pipelines.statistics.sequential.bounded_mean import Moments
from tests.rollout.builders import pairs

OF_ERRORS = Exposure("errors", 5, Counts(50, 1), Counts(950, 9))


@pytest.mark.parametrize(("requests", "bad"), [(1, 2), (-1, 0), (5, -1), (-3, -4)])
def test_counts_that_cannot_be(requests: int, bad: int) -> None:
    with pytest.raises(DataError, match="cannot be") as caught:
        Counts(requests, bad)
    assert "reset" in caught.value.next_step


@pytest.mark.parametrize(
    "moments",
    [
        Moments(10, 11.0, 1.0),
        Moments(10, 2.0, 3.0),
        Moments(10, -1.0, 1.0),
        Moments(-1, 0.0, 0.0),
        Moments(10, math.nan, 0.0),
        Moments(10, 1.0, math.inf),
    ],
    ids=lambda moments: f"{moments.count}-{moments.total}-{moments.squares}",
)
def test_sums_of_no_values_between_0_and_1(moments: Moments) -> None:
    with pytest.raises(DataError, match="values between 0 and 1"):
        ShadowPairs(moments, moments)


def test_pairs_come_in_pairs() -> None:
    with pytest.raises(DataError, match="10 labels and 9 scores"):
        ShadowPairs(Moments(10, 1, 1), Moments(9, 1, 1))


@pytest.mark.parametrize(("begin", "end"), [(5, 4), (math.nan, 4), (0, math.inf)])
def test_a_look_goes_forward(begin: float, end: float) -> None:
    with pytest.raises(DataError, match="a look from"):
        Evidence(begin, end)


def test_a_metric_is_counted_once_at_a_weight() -> None:
    at_another = Exposure("errors", 25, Counts(), Counts())
    assert len(Evidence(0, 1, (OF_ERRORS, at_another)).exposures) == 2
    with pytest.raises(DataError, match="counted twice"):
        Evidence(0, 1, (OF_ERRORS, OF_ERRORS))


def test_shares_and_rates() -> None:
    assert OF_ERRORS.share == 0.05
    assert Exposure("errors", 5, Counts(), Counts()).share == 0
    assert Counts(1000, 10).rate == 0.01
    assert Counts().rate == 0


@given(st.lists(st.floats(0, 1), max_size=50))
def test_sums_of_real_values_are_accepted(values: list[float]) -> None:
    total = math.fsum(values)
    squares = math.fsum(value**2 for value in values)
    gaps = Moments(len(values), total, squares)
    assert (ShadowPairs(gaps, gaps) + pairs(7)).count == len(values) + 7
