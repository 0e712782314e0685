"""What is wrong is said when it changes, and never often."""

from __future__ import annotations

import logging

import pytest

from pipelines.errors import LogError
from pipelines.predictions import trouble
from pipelines.predictions.trouble import Trouble

FULL = LogError("the disk is full", where="/log", next_step="make room")
DAMAGED = LogError("the disk is damaged", where="/log", next_step="mend it")
WELL = "/log: all is well again, after: the disk is full"


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(trouble, "time", clock)
    return clock


@pytest.fixture(autouse=True)
def is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that was configured in this process keeps what we log to itself."""
    monkeypatch.setattr(logging.getLogger("pipelines"), "propagate", True)


def test_it_is_said_once_with_where_and_the_next_step_and_so_is_its_end(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    seen = Trouble()
    seen.see(None)
    for _ in range(100):
        seen.see(FULL)
        clock.now += 10
    assert seen.problem == "the disk is full"
    seen.see(None)
    seen.see(None)
    assert seen.problem is None
    assert caplog.messages == [str(FULL), WELL]
    assert "/log: the disk is full" in str(FULL)
    assert "make room" in str(FULL)


def test_another_problem_is_said_too(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    seen = Trouble()
    seen.see(FULL)
    clock.now += trouble.QUIET_SECONDS
    seen.see(DAMAGED)
    assert caplog.messages == [str(FULL), str(DAMAGED)]


def test_what_comes_and_goes_is_said_once_a_minute(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    seen = Trouble()
    for _ in range(100):
        for error in (FULL, DAMAGED, None):
            seen.see(error)
    assert seen.problem is None
    assert caplog.messages == [str(FULL), WELL]
    clock.now += trouble.QUIET_SECONDS
    seen.see(FULL)
    assert caplog.messages == [str(FULL), WELL, str(FULL)]
