"""From what was seen to what follows, case by case."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pipelines.monitoring import wording
from pipelines.monitoring.action import Action
from pipelines.monitoring.drift import Shift
from pipelines.monitoring.evidence import LabelEvidence, Look, Past
from pipelines.monitoring.labelled import OfWindow
from pipelines.monitoring.policy import Judgement, judge
from pipelines.monitoring.quality import Estimated, Realised
from pipelines.monitoring.skew import Skew
from pipelines.monitoring.soundness import Fault
from pipelines.settings import MonitorSettings, TriggerSettings
from pipelines.statistics.estimate import Interval
from pipelines.verdicts import Outcome

MONITOR, TRIGGER = MonitorSettings(), TriggerSettings()
NOW = datetime(2026, 3, 10, tzinfo=UTC)
CALM = Look(5000, shifts=(Shift("feature x", "KS", 0.02, 0.1, 0.9, False, True),))
FAR = replace(CALM, shifts=(Shift("feature x", "KS", 0.2, 0.1, 1e-9, True, True),))
NEAR = replace(CALM, shifts=(Shift("feature x", "KS", 0.08, 0.1, 1e-9, True, True),))
UNUSED = replace(CALM, shifts=(Shift("feature x", "KS", 0.2, 0.1, 1e-9, True, False),))
LUCK = replace(CALM, shifts=(Shift("feature x", "KS", 0.2, 0.1, 0.3, False, True),))
GOOD = Realised(1000, 2, Interval(0.7, 0.68, 0.72), 0.71, 0.2)
LABELS = LabelEvidence(
    answers=5000,
    labels=2000,
    unknown=0,
    mature=4000,
    mature_labels=1800,
    coverage=0.45,
    delay_seconds=60.0,
    realised=GOOD,
    has_alarmed=False,
    loss_limit=0.22,
    log_evidence=(1.0, 11.5),
    is_ranking=True,
    of_window=OfWindow(5000, 2000, 4000),
)


def walked(*looks: Look, triggers: TriggerSettings = TRIGGER) -> list[Judgement]:
    """One window after the other."""
    history: list[Past] = []
    found = []
    for day, look in enumerate(looks):
        judged = judge(look, history, NOW + timedelta(days=day), MONITOR, triggers)
        found.append(judged)
        if judged.past is not None:
            history.append(judged.past)
    return found


def actions(*looks: Look) -> list[str]:
    return [judged.action.value for judged in walked(*looks)]


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ((CALM, CALM, CALM), ["nothing"] * 3),
        ((FAR,), ["nothing"]),
        ((FAR, FAR), ["nothing", "retrain"]),
        ((FAR, CALM, FAR), ["nothing", "nothing", "retrain"]),
        ((FAR, CALM, CALM, FAR), ["nothing"] * 4),
        ((UNUSED, UNUSED, UNUSED), ["nothing"] * 3),
        ((LUCK, LUCK, LUCK), ["nothing"] * 3),
        # It asks once, and again only after it was over.
        ((FAR, FAR, FAR, FAR), ["nothing", "retrain", "nothing", "nothing"]),
        ((FAR, FAR, NEAR, FAR, FAR), ["nothing", "retrain", "nothing", "nothing", "nothing"]),
        ((FAR, FAR, CALM, FAR), ["nothing", "retrain", "nothing", "retrain"]),
    ],
    ids=["calm", "one", "two", "2 of 3", "2 of 4", "unused", "luck", "on", "near", "over"],
)
def test_columns_ask_when_a_change_lasts(looks: tuple[Look, ...], expected: list[str]) -> None:
    assert actions(*looks) == expected


def test_an_alarm_that_goes_on_is_no_pass() -> None:
    *_, last = walked(FAR, FAR, FAR)
    assert last.verdict.outcome is Outcome.FAILED
    assert "asked for a retrain already" in last.verdict.reason


def test_answers_that_promise_too_little_ask_in_two_of_three() -> None:
    low = replace(CALM, estimated=Estimated(0.6, 0.7))
    fine = replace(CALM, estimated=Estimated(0.68, 0.7))
    assert actions(low, fine, low) == ["nothing", "nothing", "retrain"]
    assert actions(fine, fine, fine) == ["nothing"] * 3


def test_labels_ask_at_once_even_when_the_window_is_small() -> None:
    alarmed = replace(LABELS, has_alarmed=True, log_evidence=(12.0, 11.5))
    small = Look(3, labels=alarmed)
    [judged] = walked(small)
    assert judged.action is Action.RETRAIN
    assert list(judged.causes) == ["labelled quality"]
    assert judged.past is None


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (replace(LABELS, labels=0), "no label has come yet"),
        (replace(LABELS, realised=replace(GOOD, labels=100)), "100 mature labels, and 200"),
        (replace(LABELS, coverage=0.1), "labels of 10% of the mature answers only"),
        (replace(LABELS, realised=replace(GOOD, distinct=1)), "all labels are the same"),
        (replace(LABELS, unknown=1000), "1,000 of 3,000 labels are of requests"),
    ],
    ids=["none", "few", "biased", "one class", "unknown"],
)
def test_labels_that_cannot_tell_are_inconclusive(labels: LabelEvidence, reason: str) -> None:
    [judged] = walked(replace(CALM, labels=labels))
    assert judged.verdict.outcome is Outcome.INCONCLUSIVE
    assert reason in judged.verdict.reason
    assert judged.action is Action.NOTHING


def test_good_labels_pass() -> None:
    [judged] = walked(replace(CALM, labels=LABELS))
    assert judged.verdict.has_passed
    part = judged.verdict.parts[-1]
    assert "0.7000 (0.6800 to 0.7200) in 1,000 labels, 0.7100 on the holdout" in part.reason


@pytest.mark.parametrize(
    ("look", "action", "outcome"),
    [
        (replace(FAR, unreadable="why"), Action.NOTHING, Outcome.INCONCLUSIVE),
        (replace(FAR, faults=(Fault("x", "is odd"),)), Action.QUARANTINE, Outcome.FAILED),
        (replace(FAR, skew=Skew(100, 0.2)), Action.MEND, Outcome.FAILED),
        (replace(FAR, skew=Skew(100, float("nan"))), Action.MEND, Outcome.FAILED),
        (replace(FAR, unchecked=("a rule",)), Action.NOTHING, Outcome.INCONCLUSIVE),
        (Look(0), Action.NOTHING, Outcome.INCONCLUSIVE),
        (Look(999), Action.NOTHING, Outcome.INCONCLUSIVE),
        (Look(5000), Action.NOTHING, Outcome.INCONCLUSIVE),
    ],
    ids=["unreadable", "broken", "skew", "skew NaN", "unchecked", "empty", "small", "no columns"],
)
def test_what_stands_in_the_way_is_never_a_pass(
    look: Look, action: Action, outcome: Outcome
) -> None:
    [judged] = walked(look)
    assert (judged.action, judged.verdict.outcome) == (action, outcome)


def test_a_broken_window_has_no_say_in_what_lasts() -> None:
    broken = replace(FAR, faults=(Fault("x", "is odd"),))
    assert actions(FAR, broken, FAR) == ["nothing", "quarantine", "retrain"]


def test_age_is_a_reason_where_a_schedule_is_set() -> None:
    old = replace(CALM, age_days=31.0)
    [without] = walked(old)
    assert without.verdict.has_passed
    [due] = walked(old, triggers=TriggerSettings(schedule_days=30))
    assert list(due.causes) == ["schedule"]
    [young] = walked(CALM, triggers=TriggerSettings(schedule_days=30))
    assert young.verdict.has_passed


def test_many_columns_are_told_briefly() -> None:
    many = tuple(replace(FAR.shifts[0], name=f"feature {n}") for n in range(8))
    assert "and 3 more" in wording.drifted(many, MONITOR)
    faults = tuple(Fault(f"x{n}", "is odd") for n in range(7))
    [judged] = walked(replace(CALM, faults=faults))
    assert "and 2 more" in judged.verdict.reason


@pytest.mark.parametrize(("seconds", "said"), [(5.0, "5 s"), (90.0, "1.5 min"), (7200.0, "2 h")])
def test_durations_are_said_in_their_unit(seconds: float, said: str) -> None:
    assert wording.duration(seconds) == said


def test_the_past_is_kept_whole() -> None:
    past = Past(NOW, {"feature x": 1.5}, frozenset({"feature x"}), frozenset())
    assert Past.from_json(NOW, past.to_json()) == past
