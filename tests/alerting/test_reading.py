"""What is read is what other parts of the project wrote."""

from __future__ import annotations

import msgspec
import pytest
import sqlalchemy as sa

from pipelines.alerting import reading
from pipelines.alerting.facts import Facts
from pipelines.errors import StateError
from pipelines.monitoring.action import Action
from pipelines.monitoring.triggers import inbox
from pipelines.monitoring.triggers.events import asked_by_a_person
from pipelines.rollout import store as rollouts
from pipelines.rollout.state import Phase
from pipelines.settings import ModelSettings
from pipelines.state import leases, runs
from pipelines.state.ledger import ROLLED_BACK
from pipelines.state.store import rollouts as rollouts_table
from pipelines.verdicts import Outcome
from tests.alerting.factories import (
    MODEL,
    NOON,
    NOW,
    begun,
    instant,
    promote,
    save_window,
    settings,
    window,
)


def facts(engine: sa.Engine, seconds: float = 0) -> Facts:
    found = reading.read(engine, settings(), instant(seconds))
    assert found.at == NOW + seconds
    [one] = found.models
    return one


def test_an_empty_store_has_nothing(engine: sa.Engine) -> None:
    assert facts(engine) == Facts(MODEL, window_hours=24.0)


def test_versions_and_runs_are_the_newest_first(engine: sa.Engine) -> None:
    for version, action in (("alpha@v1", "promoted"), ("alpha@v2", "promoted")):
        promote(engine, version, action)
    promote(engine, "alpha@v1", ROLLED_BACK)
    run, _ = runs.begin(engine, MODEL, "base", {}, "a test")
    runs.finish(engine, run.id, runs.REFUSED, verdict={"reason": "worse"})
    found = facts(engine)
    assert found.live is not None
    assert (found.live.version, found.live.action) == ("alpha@v1", ROLLED_BACK)
    assert [each.version for each in found.entries] == ["alpha@v1", "alpha@v2", "alpha@v1"]
    assert [each.status for each in found.runs] == [runs.REFUSED]
    assert found.orphan is None


def test_a_run_without_a_process_is_an_orphan(engine: sa.Engine) -> None:
    with leases.hold(engine, f"retrain/{MODEL}", "a test", 30):
        run, _ = runs.begin(engine, MODEL, "base", {}, "a test")
        assert facts(engine).orphan is None
    assert facts(engine).orphan == run
    runs.finish(engine, run.id, runs.FAILED)
    assert facts(engine).orphan is None


def test_an_open_rollout_and_its_last_look(engine: sa.Engine) -> None:
    rollouts.open_new(engine, begun())
    found = facts(engine, seconds=90).rollout
    assert found is not None
    assert (found.champion, found.challenger) == ("alpha@v1", "alpha@v2")
    assert (found.phase, found.weight_percent, found.is_paused) == (Phase.PENDING, 0, False)
    assert (found.looked, found.entered, found.unseen_seconds) == (NOW, NOW, 90.0)


def test_a_rollout_that_was_changed_by_hand_is_unreadable(engine: sa.Engine) -> None:
    rollouts.open_new(engine, begun())
    with engine.begin() as connection:
        connection.execute(rollouts_table.update().values(state="{}"))
    found = facts(engine)
    assert found.rollout is None
    assert "changed by something else" in found.unreadable


def test_ended_rollouts_have_their_reason(engine: sa.Engine) -> None:
    stored = rollouts.open_new(engine, begun())
    over = msgspec.structs.replace(stored.state, phase=Phase.ROLLED_BACK, reason="8 of 100 bad")
    rollouts.save(engine, stored, over)
    found = facts(engine)
    assert found.rollout is None
    [ended] = found.ended
    assert (ended.phase, ended.reason) == ("rolled back", "8 of 100 bad")
    assert ended.id == stored.state.plan.id


def test_windows_are_the_newest_first_and_the_settled_one_is_known(engine: sa.Engine) -> None:
    early, late = window(Action.RETRAIN, Outcome.FAILED, 25), window(hours_ago=1)
    unclear = window(outcome=Outcome.INCONCLUSIVE, hours_ago=0.5)
    for each in (early, unclear, late):
        save_window(engine, each)
    found = facts(engine)
    assert [each.key for each in found.windows] == [unclear.key, late.key, early.key]
    assert found.settled is not None
    assert found.settled.key == late.key


def test_windows_of_so_many_rows_have_no_length(engine: sa.Engine) -> None:
    model = settings().models[MODEL].model_dump(by_alias=True)
    model["monitor"]["window_rows"] = 5000
    found = reading.facts(engine, MODEL, ModelSettings.model_validate(model), instant())
    assert found.window_hours is None


def test_the_inbox_and_its_breaker(engine: sa.Engine) -> None:
    assert facts(engine).breaker is None
    inbox.offer(engine, asked_by_a_person(MODEL, "I say so", NOON), NOON)
    found = facts(engine)
    assert [each.event.reason for each in found.triggers] == ["I say so"]
    assert found.breaker is not None
    assert (found.breaker.failures, found.breaker.is_open) == (0, False)
    for number in range(2):
        run, _ = runs.begin(engine, MODEL, "base", {"number": number}, "a test")
        runs.finish(engine, run.id, runs.REFUSED)
    found = facts(engine)
    assert found.breaker is not None
    assert (found.breaker.failures, found.breaker.limit, found.breaker.is_open) == (2, 2, True)


def test_a_store_that_cannot_be_read_is_an_error_and_not_nothing(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE windows"))
    with pytest.raises(StateError, match="no such table"):
        reading.read(engine, settings(), instant())
