"""What is worth telling, and what is not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pipelines.alerting.facts import Breaker, Facts
from pipelines.alerting.noticing import events
from pipelines.monitoring.action import Action
from pipelines.monitoring.triggers.events import State
from pipelines.rollout.state import Phase
from pipelines.settings import AlertSettings
from pipelines.state import runs
from pipelines.state.ledger import PROMOTED, ROLLED_BACK
from pipelines.verdicts import Outcome
from tests.alerting.factories import (
    MODEL,
    NOON,
    NOW,
    at,
    ended,
    entry,
    rollout,
    run,
    snapshot,
    trigger,
    window,
)

ALL = AlertSettings(least="info")
YOUNG = entry(PROMOTED, seconds=-3600)


def noticed(settings: AlertSettings = ALL, **facts: Any) -> list[tuple[str, str]]:
    found = events(snapshot(Facts(MODEL, **facts)), settings)
    return [(event.kind, event.severity) for event in found]


def test_nothing_is_worth_nothing() -> None:
    assert noticed() == []
    assert noticed(rollout=rollout(), windows=(window(),), triggers=(trigger(State.DONE),)) == []


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"entries": (entry(ROLLED_BACK),)}, ("rolled_back", "critical")),
        ({"entries": (entry(PROMOTED),)}, ("promoted", "info")),
        ({"runs": (run(runs.REFUSED),)}, ("refused", "warning")),
        ({"runs": (run(runs.FAILED),)}, ("broken_run", "warning")),
        ({"orphan": run(runs.RUNNING, finished=None)}, ("dead_run", "warning")),
        ({"ended": (ended(Phase.ROLLED_BACK),)}, ("rollout_ended", "warning")),
        ({"ended": (ended(Phase.ABORTED),)}, ("rollout_ended", "warning")),
        ({"unreadable": "is damaged"}, ("unreadable", "critical")),
        ({"rollout": rollout(unseen_seconds=300.0)}, ("unwatched", "critical")),
        ({"rollout": rollout(is_paused=True)}, ("paused", "critical")),
        (
            {"rollout": rollout(phase=Phase.AWAITING_APPROVAL, entered=NOW - 900)},
            ("approval", "warning"),
        ),
        ({"windows": (window(Action.RETRAIN, Outcome.FAILED),)}, ("alarm", "warning")),
        ({"windows": (window(Action.QUARANTINE, Outcome.FAILED),)}, ("quarantine", "warning")),
        ({"windows": (window(Action.MEND, Outcome.FAILED),)}, ("skew", "critical")),
        ({"breaker": Breaker(2, 2, 0.0)}, ("breaker", "warning")),
        ({"triggers": (trigger(hours_ago=48.0),)}, ("waiting_trigger", "warning")),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "facts",
)
def test_it_is_noticed(facts: dict[str, Any], expected: tuple[str, str]) -> None:
    assert noticed(**facts) == [expected]


@pytest.mark.parametrize(
    "facts",
    [
        {"runs": (run(runs.PROMOTED), run(runs.REGISTERED), run(runs.ABANDONED))},
        {"runs": (run(runs.RUNNING, finished=None),)},
        {"ended": (ended(Phase.PROMOTED),)},
        {"rollout": rollout(unseen_seconds=299.0)},
        {"rollout": rollout(phase=Phase.AWAITING_APPROVAL, entered=NOW - 899)},
        {"windows": (window(Action.NOTHING, Outcome.FAILED),)},
        {"windows": (window(Action.NOTHING, Outcome.INCONCLUSIVE),)},
        {"breaker": Breaker(1, 2, 0.0)},
        {"triggers": (trigger(hours_ago=47.9), trigger(State.DROPPED, hours_ago=99.0))},
    ],
    ids=[
        *("ended well", "at work", "promoted", "watched", "waits for minutes", "asked already"),
        *("cannot tell", "one failed", "waits for hours"),
    ],
)
def test_it_is_left_alone(facts: dict[str, Any]) -> None:
    assert noticed(**facts) == []


def test_what_happened_long_ago_is_no_news_and_what_lasts_is() -> None:
    old = {"entries": (entry(ROLLED_BACK, seconds=-86_401),), "runs": (run(runs.FAILED, -86_401),)}
    assert noticed(**old) == []
    stuck = run(runs.RUNNING, seconds=-900_000, finished=None)
    assert noticed(**old, orphan=stuck) == [("dead_run", "warning")]
    assert noticed(AlertSettings(news_hours=25), **old) == [
        ("rolled_back", "critical"),
        ("broken_run", "warning"),
    ]


def test_the_most_severe_comes_first_then_the_newest() -> None:
    facts = {
        "entries": (entry(ROLLED_BACK, seconds=-500),),
        "runs": (run(runs.REFUSED, seconds=-10), run(runs.FAILED, seconds=-900, id="r-0")),
        "rollout": rollout(is_paused=True),
    }
    kinds = [kind for kind, _ in noticed(**facts)]
    assert kinds == ["paused", "rolled_back", "refused", "broken_run"]


def test_less_than_least_and_other_kinds_are_left_out() -> None:
    facts = {"entries": (entry(PROMOTED),), "runs": (run(runs.FAILED),), "unreadable": "damaged"}
    assert noticed(AlertSettings(), **facts) == [
        ("unreadable", "critical"),
        ("broken_run", "warning"),
    ]
    assert noticed(AlertSettings(least="critical"), **facts) == [("unreadable", "critical")]
    chosen = AlertSettings(least="info", kinds=("promoted",))
    assert noticed(chosen, **facts) == [("promoted", "info")]


@pytest.mark.parametrize(
    ("windows", "hours_live", "is_silent"),
    [
        ((), 47.9, False),
        ((), 48.0, True),
        ((window(hours_ago=47.9),), 400.0, False),
        ((window(hours_ago=48.0),), 400.0, True),
        # Looked at, and nothing could be said.
        ((window(outcome=Outcome.INCONCLUSIVE), window(hours_ago=49)), 400.0, True),
        # A version that went live since has its own time.
        ((window(hours_ago=400),), 1.0, False),
    ],
    ids=["new", "never", "lately", "long ago", "could not tell", "another version"],
)
def test_a_monitor_that_cannot_judge_is_silent(
    windows: tuple[Any, ...], hours_live: float, is_silent: bool
) -> None:
    live = entry(PROMOTED, seconds=-3600 * hours_live)
    settings = AlertSettings(kinds=("silent_monitor",))
    found = noticed(settings, entries=(live,), windows=windows, window_hours=24.0)
    assert found == ([("silent_monitor", "warning")] if is_silent else [])
    assert noticed(settings, entries=(live,), windows=windows) == []


def test_the_silence_has_its_reason() -> None:
    live = entry(PROMOTED, seconds=-3600 * 72)
    windows = (window(outcome=Outcome.INCONCLUSIVE, hours_ago=2.0),)
    facts = Facts(MODEL, entries=(live,), windows=windows, window_hours=24.0)
    [found] = events(snapshot(facts), AlertSettings())
    assert "no window could be judged for 72 h" in found.reason
    assert "said INCONCLUSIVE" in found.reason


def key(**facts: Any) -> str:
    [found] = events(snapshot(Facts(MODEL, **facts)), ALL)
    return found.key


def test_the_same_event_has_the_same_key_however_long_it_lasts() -> None:
    earlier = key(rollout=rollout(unseen_seconds=300.0))
    assert key(rollout=rollout(unseen_seconds=9000.0)) == earlier
    assert key(rollout=rollout(id="v3-0002", unseen_seconds=300.0)) != earlier
    assert key(breaker=Breaker(2, 2, 0.0)) == key(breaker=Breaker(3, 2, 0.0))
    assert key(breaker=Breaker(2, 2, 0.0)) != key(breaker=Breaker(2, 2, 50.0))
    # The same version may be rolled back twice.
    assert key(entries=(entry(ROLLED_BACK),)) != key(entries=(entry(ROLLED_BACK, seconds=-9),))
    waits = {"phase": Phase.AWAITING_APPROVAL, "entered": NOW - 9000}
    assert key(rollout=rollout(**waits)) != key(rollout=rollout(**waits, weight_percent=50))


def test_reasons_are_those_of_who_decided() -> None:
    refused = run(runs.REFUSED, verdict={"reason": "worse by .02"})
    facts = Facts(
        MODEL,
        entries=(entry(ROLLED_BACK),),
        runs=(refused, run(runs.FAILED, id="r-0")),
        triggers=(trigger(hours_ago=50),),
    )
    found = {event.kind: event for event in events(snapshot(facts), ALL)}
    assert found["rolled_back"].reason == "answers went wrong (ann)"
    assert found["refused"].reason == "worse by .02"
    assert "no verdict was written" in found["broken_run"].reason
    assert found["waiting_trigger"].reason == "wind_speed drifted; it waits: cools down"
    assert found["waiting_trigger"].at == (NOON - timedelta(hours=50)).timestamp()
    assert at(0) == "2026-03-10T12:00:00Z"
