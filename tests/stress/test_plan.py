"""The plan: arrivals laid down beforehand, the same in both processes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import StressError
from pipelines.stress import Plan
from tests.stress.conftest import Planned


def test_it_is_read_as_it_was_written(planned: Planned, tmp_path: Path) -> None:
    plan = planned("http://127.0.0.1:1")
    plan.write(tmp_path / "plan.json")

    assert Plan.read(tmp_path / "plan.json") == plan


@given(
    rate=st.floats(0.1, 5000), seconds=st.floats(1, 100), warm_up=st.floats(0, 5, allow_nan=False)
)
def test_arrivals_are_evenly_spaced_over_the_whole_run(
    rate: float, seconds: float, warm_up: float
) -> None:
    plan = Plan("http://x", "predict", "/", "v1", rate, seconds, 1, (b"{}",), ((0.0,),), warm_up)
    last = plan.due(plan.arrivals - 1)

    assert plan.due(0) == -warm_up
    assert last < seconds or plan.arrivals == 1
    assert plan.due(plan.arrivals) == pytest.approx(seconds, abs=1 / rate)


def test_what_would_not_fit_is_refused_with_both_numbers(planned: Planned) -> None:
    with pytest.raises(StressError, match="at most 5,000,000") as caught:
        planned("http://127.0.0.1:1", rate=1e5, seconds=3600.0)
    assert caught.value.exit_code == 3


def test_a_plan_without_rows_is_refused(planned: Planned) -> None:
    with pytest.raises(StressError, match="no rows"):
        planned("http://127.0.0.1:1", bodies=(), expected=())
