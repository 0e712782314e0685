"""When a trigger may start, each way of waiting with its reason."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pipelines.monitoring.triggers.events import PERSON, State
from pipelines.monitoring.triggers.ruling import StartedTrigger, rule, rule_started
from pipelines.settings import TriggerSettings
from tests.monitoring.triggers.builders import DAY, HOUR, NOW, calm, event, trigger

SETTINGS = TriggerSettings()


def test_it_starts_when_nothing_stands_in_the_way() -> None:
    ruling = rule(trigger(), calm(), SETTINGS)
    assert ruling.state is State.STARTED
    assert "columns" in ruling.why


@pytest.mark.parametrize(
    ("situation", "reason"),
    [
        ({"started": StartedTrigger(3, 1, NOW)}, "waits for trigger 3"),
        ({"busy": "a retrain of alpha (process 1 on here)"}, "waits for a retrain of alpha"),
        ({"quarantine": "the window is broken"}, "waits for sound data: the window is broken"),
        ({"refusals": 2}, "the breaker is open: the gate refused the last 2"),
        ({"awaited": "no month is over"}, "waits for newer data: no month is over"),
        ({"starts": (NOW - 23 * HOUR,)}, "cools down until 2026-03-10 13:00"),
        (
            {"starts": (NOW - 47 * HOUR,), "training_seconds": 24 * 3600},
            "cools down until 2026-03-10 13:00",
        ),
        (
            {"starts": (NOW - 2 * DAY, NOW - 4 * DAY, NOW - 6 * DAY)},
            "3 of 3 retrains in 7 days are used up until 2026-03-11 12:00",
        ),
    ],
    ids=["started", "busy", "quarantine", "breaker", "data", "cooldown", "long training", "budget"],
)
def test_it_waits_and_says_for_what(situation: dict[str, Any], reason: str) -> None:
    ruling = rule(trigger(), calm(**situation), SETTINGS)
    assert ruling.state is State.WAITING
    assert reason in ruling.why


@pytest.mark.parametrize(
    "situation",
    [
        {"refusals": 1},
        {"starts": (NOW - 24 * HOUR,), "training_seconds": 12 * 3600},
        {"starts": (NOW - 2 * DAY, NOW - 4 * DAY, NOW - 7 * DAY)},
    ],
    ids=["one refusal", "cooled down", "budget again"],
)
def test_it_starts_as_soon_as_it_may(situation: dict[str, Any]) -> None:
    late = event(noticed=NOW)
    assert rule(trigger(event=late), calm(**situation), SETTINGS).state is State.STARTED


@pytest.mark.parametrize(
    ("situation", "state"),
    [
        ({"starts": (NOW - HOUR, NOW - 2 * HOUR, NOW - 3 * HOUR)}, State.STARTED),
        ({"awaited": "no month is over"}, State.STARTED),
        ({"refusals": 2}, State.WAITING),
        ({"quarantine": "broken"}, State.WAITING),
        ({"busy": "somebody"}, State.WAITING),
    ],
    ids=["no cool-down", "same data", "breaker", "quarantine", "busy"],
)
def test_a_person_waits_for_what_a_person_can_mend(situation: dict[str, Any], state: State) -> None:
    asked = trigger(event=event(cause=PERSON, version=None))
    assert rule(asked, calm(**situation), SETTINGS).state is state


@pytest.mark.parametrize("live", ["alpha@v4", None])
def test_an_alarm_about_an_old_version_is_dropped(live: str | None) -> None:
    ruling = rule(trigger(), calm(live=live), SETTINGS)
    assert ruling.state is State.DROPPED
    assert "alpha@v3" in ruling.why


def test_what_was_noticed_before_a_retrain_began_came_late() -> None:
    found = calm(starts=(NOW - 3 * DAY,))
    late = trigger(event=event(noticed=NOW - 4 * DAY))
    assert rule(late, found, SETTINGS).state is State.ANSWERED
    # Its own retrain broke down: it is as good as before.
    again = trigger(event=event(noticed=NOW - 4 * DAY), attempt=1)
    assert rule(again, found, SETTINGS).state is State.STARTED


@pytest.mark.parametrize(
    ("situation", "state"),
    [
        ({"started": StartedTrigger(3, 1, NOW - timedelta(minutes=9))}, None),
        ({"started": StartedTrigger(3, 1, NOW - timedelta(minutes=11))}, State.STARTED),
        ({"started": StartedTrigger(3, 1, NOW - DAY), "busy": "its retrain"}, None),
        ({"started": StartedTrigger(3, 5, NOW - DAY)}, State.DONE),
        ({"started": StartedTrigger(3, 1, NOW - DAY, "alpha@v4 came of it")}, State.DONE),
        ({"started": StartedTrigger(3, 1, NOW, "refused"), "busy": "its retrain"}, State.DONE),
        ({}, None),
    ],
    ids=[
        "just begun",
        "nobody came",
        "at work",
        "given up",
        "judged by one who was killed",
        "judged, and about to say so",
        "nothing started",
    ],
)
def test_a_start_that_nobody_took_up_is_handed_out_again(
    situation: dict[str, Any], state: State | None
) -> None:
    ruling = rule_started(calm(**situation), SETTINGS)
    assert (ruling.state if ruling else None) is state
