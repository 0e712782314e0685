"""How long somebody waits who guesses."""

from __future__ import annotations

import pytest

from pipelines.identity.guessing import (
    FORGET_SECONDS,
    FREE_FAILURES,
    MOST_KEYS,
    MOST_WAIT_SECONDS,
    Guesses,
    penalty_seconds,
)


def _failed(times: int, at: float = 0.0) -> Guesses:
    guesses = Guesses()
    for _ in range(times):
        guesses.failed("somebody", at)
    return guesses


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 0), (4, 0), (5, 1), (6, 2), (8, 8), (11, 60), (5000, 60)]
)
def test_the_wait_doubles_up_to_a_minute(failures: int, seconds: float) -> None:
    assert penalty_seconds(failures) == seconds


def test_a_mistake_costs_nothing_and_a_habit_does() -> None:
    assert _failed(FREE_FAILURES - 1).wait_seconds("somebody", 0) == 0
    habit = _failed(FREE_FAILURES + 2)
    assert habit.wait_seconds("somebody", 1) == 3
    assert habit.wait_seconds("somebody", 4) == 0
    assert habit.wait_seconds("somebody-else", 0) == 0


def test_success_and_time_forgive() -> None:
    guesses = _failed(20)
    guesses.succeeded("somebody")
    assert guesses.wait_seconds("somebody", 0) == 0
    guesses.succeeded("nobody")

    old = _failed(20)
    assert old.wait_seconds("somebody", 1) == MOST_WAIT_SECONDS - 1
    old.failed("somebody", FORGET_SECONDS + 1)
    assert old.wait_seconds("somebody", FORGET_SECONDS + 1) == 0


def test_memory_is_bounded_and_those_who_failed_last_are_remembered() -> None:
    guesses = Guesses()
    for number in range(MOST_KEYS + 10):
        for _ in range(FREE_FAILURES):
            guesses.failed(str(number), 0)
    assert guesses.wait_seconds("0", 0) == 0
    assert guesses.wait_seconds(str(MOST_KEYS + 9), 0) == 1
