"""How long it took, whatever happened to the clocks."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import RolloutError
from pipelines.rollout import clock
from pipelines.rollout.instant import Instant, seconds_between

BEFORE = Instant(wall=1000.0, uptime=50.0, host="h", boot="b1")
times = st.floats(0, 1e9)


@pytest.mark.parametrize(
    ("later", "seconds"),
    [
        (Instant(1010.0, 60.0, "h", "b1"), 10),
        (Instant(9999.0, 60.0, "h", "b1"), 10),  # the wall clock was set forward
        (Instant(0.0, 60.0, "h", "b1"), 10),  # and back
        (Instant(1010.0, 40.0, "h", "b1"), 0),
        (Instant(1300.0, 5.0, "h", "b2"), 300),  # the machine was started again
        (Instant(900.0, 5.0, "h", "b2"), 5),  # and its clock is behind
        (Instant(1300.0, 5.0, "other", "b2"), 300),
        (Instant(900.0, 5.0, "other", "b2"), 0),  # its uptime says nothing about the rollout
    ],
)
def test_each_change_of_the_clocks(later: Instant, seconds: float) -> None:
    assert seconds_between(BEFORE, later) == seconds


@given(wall=times, uptime=times, boot=st.sampled_from(["b1", "b2"]))
def test_time_never_goes_back(wall: float, uptime: float, boot: str) -> None:
    assert seconds_between(BEFORE, Instant(wall, uptime, "h", boot)) >= 0


@pytest.mark.parametrize(
    ("wall", "uptime"), [(float("nan"), 1.0), (float("inf"), 1.0), (1.0, -1.0), (1.0, float("nan"))]
)
def test_what_is_no_time_is_refused(wall: float, uptime: float) -> None:
    with pytest.raises(RolloutError, match="are no time"):
        Instant(wall, uptime, "h", "b1")


def test_the_clocks_of_this_machine_go_on() -> None:
    first = clock.read()
    time.sleep(0.02)
    second = clock.read()
    assert (first.host, first.boot) == (second.host, second.boot)
    assert 0.02 <= seconds_between(first, second) < 5
    assert abs(second.wall - time.time()) < 5


def test_without_linux_a_boot_is_told_by_its_time(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(clock, "_BOOT_ID", tmp_path / "absent")
    monkeypatch.delattr(time, "CLOCK_BOOTTIME")
    moment = clock.read()
    assert moment.boot.isdigit()
    assert moment.uptime == pytest.approx(time.monotonic(), abs=5)
