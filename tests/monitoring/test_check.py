"""From a real log to a verdict, a trigger and a record."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipelines.monitoring import records
from pipelines.monitoring.action import Action
from pipelines.monitoring.triggers import inbox
from pipelines.verdicts import Outcome
from tests.monitoring.factories import MODEL, NOON, World, flights, shifted

DAY = timedelta(days=1)
MIDNIGHT = NOON.replace(hour=0)


def test_calm_traffic_passes(world: World) -> None:
    world.answer(flights(2000, 5), MIDNIGHT - DAY)
    [*_, found] = world.check()
    assert found.record.verdict.outcome is Outcome.PASSED, found.record.verdict.reason
    assert found.record.rows == 2000
    assert found.record.action is Action.NOTHING
    assert inbox.listed(world.engine, MODEL) == []


def test_a_window_keeps_what_labels_it_had(world: World) -> None:
    world = world.with_settings(monitor={"labels": "expected", "minimum_labels": 100})
    rows = flights(2000, 5)
    ids = world.answer(rows, MIDNIGHT - DAY)
    world.tell(ids[:20], rows["late"][:1000], MIDNIGHT - DAY, hours=12)
    [*_, found] = world.check()
    labels = found.record.labels
    assert labels is not None
    # A label took two hours, and the last answers are twelve hours old.
    assert (labels.answers, labels.labels, labels.mature) == (2000, 1000, 2000)
    assert records.latest(world.engine, MODEL, 1)[0].to_json()["labels"]["coverage"] == 0.5


def test_a_shift_that_lasts_asks_for_one_retrain(world: World) -> None:
    world.since = NOON - 4 * DAY
    change = shifted("distance", 1.6)
    for days in (3, 2, 1):
        world.answer(change(flights(2000, days)), MIDNIGHT - days * DAY)
    first, second, third = world.check()
    assert [c.record.action for c in (first, second, third)] == [
        Action.NOTHING,
        Action.RETRAIN,
        Action.NOTHING,
    ]
    assert "feature distance (JS" in second.record.verdict.reason
    assert "has asked for a retrain already" in third.record.verdict.reason
    [trigger] = inbox.listed(world.engine, MODEL)
    assert trigger.event.key == second.record.key
    again = world.check()
    assert [c.record for c in again] == records.latest(world.engine, MODEL, 1)
    assert len(inbox.listed(world.engine, MODEL)) == 1


def test_labels_that_show_a_loss_ask_for_a_retrain(world: World) -> None:
    world = world.with_settings(monitor={"labels": "expected", "label_false_alarm": 1e4})
    rows = flights(4000, 5)
    ids = world.answer(rows, MIDNIGHT - DAY)
    wrong = rows["late"].where(rows.index % 3 > 0, 1 - rows["late"])
    world.tell(ids, wrong, MIDNIGHT - DAY)
    [*_, found] = world.check()
    assert found.judgement is not None
    assert list(found.judgement.causes) == ["labelled quality"], found.record.verdict.reason
    assert found.record.watch is not None
    assert found.record.watch.detector.count == 0  # it begins anew


@pytest.mark.parametrize("wanted", ["expected", "none"])
def test_without_labels_quality_is_unknown_unless_none_are_expected(
    world: World, wanted: str
) -> None:
    world = world.with_settings(monitor={"labels": wanted})
    world.answer(flights(2000, 5), MIDNIGHT - DAY)
    [*_, found] = world.check()
    outcome = Outcome.PASSED if wanted == "none" else Outcome.INCONCLUSIVE
    assert found.record.verdict.outcome is outcome
