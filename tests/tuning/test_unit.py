"""Positions in [0, 1] and values go into each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.models.space import Real, Whole
from pipelines.tuning.unit import position, value_at

KNOBS = [
    Real(-2.0, 3.0, default=0.0),
    Real(1e-4, 10.0, default=0.1, is_log=True),
    Whole(3, 90, default=7),
    Whole(1, 5000, default=7, is_log=True),
    Whole(4, 4, default=4),
]
shares = st.floats(0.0, 1.0)


@pytest.mark.parametrize("knob", KNOBS)
@given(share=shares)
def test_a_value_has_the_position_that_it_came_from(knob: Real | Whole, share: float) -> None:
    distribution = knob.distribution()
    value = value_at(distribution, share)
    assert knob.low <= value <= knob.high
    assert value_at(distribution, position(distribution, value)) == pytest.approx(value)
    if isinstance(knob, Whole):
        assert isinstance(value, int)
    else:
        assert position(distribution, value) == pytest.approx(share, abs=1e-9)


def test_the_ends_of_whole_numbers_are_as_likely_as_the_others() -> None:
    distribution = Whole(1, 4, default=1).distribution()
    found = [value_at(distribution, (place + 0.5) / 400) for place in range(400)]
    assert [found.count(value) for value in (1, 2, 3, 4)] == [100] * 4


def test_what_lies_outside_is_at_the_end() -> None:
    """A fixed value or an older space may lie beyond the bounds."""
    distribution = Real(0.0, 1.0, default=0.5).distribution()
    assert (position(distribution, -3.0), position(distribution, 7.0)) == (0.0, 1.0)
    assert (value_at(distribution, -0.1), value_at(distribution, 1.1)) == (0.0, 1.0)
