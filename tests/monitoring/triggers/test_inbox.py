"""The inbox in a real store: each event once, each retrain once, nothing lost."""

from __future__ import annotations

import multiprocessing
import random
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipelines.errors import BusyError, MonitorError
from pipelines.monitoring.triggers import inbox
from pipelines.monitoring.triggers.events import State, asked_by_a_person
from pipelines.settings import TriggerSettings
from pipelines.state import leases, runs, store
from pipelines.verdicts import Outcome
from tests.monitoring.triggers.builders import DAY, HOUR, LIVE, MODEL, NOW, event, go_live, ran
from tests.tuning.postgres import running

SETTINGS = TriggerSettings()


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    engine = store.connect(tmp_path / "state.db")
    go_live(engine)
    return engine


def test_an_event_that_is_told_twice_is_one(engine: sa.Engine) -> None:
    first = inbox.offer(engine, event(), NOW)
    again = inbox.offer(engine, event(), NOW + HOUR)
    assert (again.id, again.times) == (first.id, 2)
    assert again.arrived == NOW
    start = inbox.settle(engine, MODEL, SETTINGS, NOW)
    assert start is not None
    assert start.trigger.id == first.id
    assert inbox.settle(engine, MODEL, SETTINGS, NOW) is None
    inbox.offer(engine, event(), NOW + HOUR)
    assert inbox.settle(engine, MODEL, SETTINGS, NOW + timedelta(minutes=5)) is None


def test_one_retrain_answers_all_that_wait(engine: sa.Engine) -> None:
    for name in ("one", "two", "three"):
        inbox.offer(engine, event(name), NOW)
    start = inbox.settle(engine, MODEL, SETTINGS, NOW)
    assert start is not None
    third, second, first = inbox.listed(engine, MODEL)
    assert first.state is State.STARTED
    assert {second.state, third.state} == {State.ANSWERED}
    assert second.why == f"the retrain of trigger {first.id} answers this one"


def test_what_would_train_on_the_same_data_waits_for_more(engine: sa.Engine) -> None:
    assert not inbox.is_waited_for(engine, MODEL)
    inbox.offer(engine, event(), NOW)
    assert inbox.is_waited_for(engine, MODEL)
    assert inbox.settle(engine, MODEL, SETTINGS, NOW, "alpha@v1 has learned from all") is None
    [waiting] = inbox.listed(engine, MODEL)
    assert waiting.why == "waits for newer data: alpha@v1 has learned from all"
    # It cost neither cool-down nor budget: with more data it starts at once.
    assert inbox.settle(engine, MODEL, SETTINGS, NOW) is not None
    assert not inbox.is_waited_for(engine, MODEL)


def test_a_start_is_taken_up_once(engine: sa.Engine) -> None:
    inbox.offer(engine, event(), NOW)
    start = inbox.settle(engine, MODEL, SETTINGS, NOW)
    assert start is not None
    taken = inbox.take(engine, start.trigger.id, start.attempt)
    assert taken.taken == 1
    with pytest.raises(BusyError, match="is not to be begun any more"):
        inbox.take(engine, start.trigger.id, start.attempt)
    with pytest.raises(MonitorError, match="no such trigger"):
        inbox.take(engine, 99, 1)
    inbox.finish(engine, start.trigger, "run-1", "alpha@v4 came of it", NOW + HOUR)
    inbox.finish(engine, start.trigger, "run-2", "told twice", NOW + HOUR)
    [done] = inbox.listed(engine, MODEL)
    assert (done.state, done.why, done.run) == (State.DONE, "alpha@v4 came of it", "run-1")


def test_a_start_that_was_lost_is_handed_out_again(engine: sa.Engine) -> None:
    inbox.offer(engine, event(), NOW)
    first = inbox.settle(engine, MODEL, SETTINGS, NOW)
    second = inbox.settle(engine, MODEL, SETTINGS, NOW + HOUR)
    assert first is not None
    assert second is not None
    assert (second.trigger.id, second.attempt) == (first.trigger.id, 2)
    with pytest.raises(BusyError):
        inbox.take(engine, first.trigger.id, first.attempt)
    inbox.take(engine, second.trigger.id, second.attempt)
    with leases.hold(engine, f"retrain/{MODEL}", "its retrain", 60):
        assert inbox.settle(engine, MODEL, SETTINGS, NOW + 2 * HOUR) is None
    for hour in range(3, 6):  # each of them is killed
        assert inbox.settle(engine, MODEL, SETTINGS, NOW + hour * HOUR) is not None
    assert inbox.settle(engine, MODEL, SETTINGS, NOW + 6 * HOUR) is None
    [given_up] = inbox.listed(engine, MODEL)
    assert given_up.state is State.DONE
    assert "given up: 5 retrains" in given_up.why


def test_what_was_judged_is_not_trained_for_again(engine: sa.Engine) -> None:
    inbox.offer(engine, event(), NOW)
    start = inbox.settle(engine, MODEL, SETTINGS, NOW)
    assert start is not None
    inbox.take(engine, start.trigger.id, start.attempt)
    run, _ = runs.begin(engine, MODEL, "c0ffee", {}, "trigger 1")
    inbox.began(engine, start.trigger.id, start.attempt, run.id)
    assert inbox.settle(engine, MODEL, SETTINGS, NOW + timedelta(minutes=1)) is None
    assert inbox.listed(engine, MODEL)[0].state is State.STARTED
    # Killed here: the run is over, and nobody says so.
    runs.finish(engine, run.id, runs.REFUSED, verdict={"reason": "worse by .02"})
    assert inbox.settle(engine, MODEL, SETTINGS, NOW + HOUR) is None
    [done] = inbox.listed(engine, MODEL)
    assert (done.state, done.run, done.attempt) == (State.DONE, run.id, 1)
    assert done.why == "the gate refused the challenger: worse by .02"


def test_a_run_that_broke_down_unheard_is_handed_out_again(engine: sa.Engine) -> None:
    inbox.offer(engine, event(), NOW)
    start = inbox.settle(engine, MODEL, SETTINGS, NOW)
    assert start is not None
    inbox.take(engine, start.trigger.id, start.attempt)
    run, _ = runs.begin(engine, MODEL, "c0ffee", {}, "trigger 1")
    inbox.began(engine, start.trigger.id, start.attempt, run.id)
    runs.finish(engine, run.id, runs.FAILED)
    again = inbox.settle(engine, MODEL, SETTINGS, NOW + HOUR)
    assert again is not None
    assert again.attempt == 2


def test_an_attempt_that_comes_late_takes_nothing_from_the_next(engine: sa.Engine) -> None:
    inbox.offer(engine, event(), NOW)
    slow = inbox.settle(engine, MODEL, SETTINGS, NOW)
    assert slow is not None
    inbox.take(engine, slow.trigger.id, slow.attempt)
    second = inbox.settle(engine, MODEL, SETTINGS, NOW + HOUR)
    assert second is not None
    inbox.take(engine, second.trigger.id, second.attempt)
    inbox.give_back(engine, slow.trigger, "somebody holds the lease", NOW + HOUR)
    with pytest.raises(BusyError, match="attempt 1 came too late to begin"):
        inbox.began(engine, slow.trigger.id, slow.attempt, "run-of-nobody")
    [still] = inbox.listed(engine, MODEL)
    assert (still.state, still.run) == (State.STARTED, None)
    inbox.finish(engine, second.trigger, "run-2", "alpha@v4 came of it", NOW + 2 * HOUR)
    assert inbox.listed(engine, MODEL)[0].run == "run-2"


def test_a_retrain_that_broke_down_is_tried_again_after_the_cool_down(engine: sa.Engine) -> None:
    inbox.offer(engine, event(), NOW)
    start = inbox.settle(engine, MODEL, SETTINGS, NOW)
    assert start is not None
    inbox.take(engine, start.trigger.id, start.attempt)
    inbox.give_back(engine, start.trigger, "no network", NOW + HOUR)
    assert inbox.settle(engine, MODEL, SETTINGS, NOW + 2 * HOUR) is None
    [waiting] = inbox.listed(engine, MODEL)
    assert "cools down" in waiting.why
    again = inbox.settle(engine, MODEL, SETTINGS, NOW + 25 * HOUR)
    assert again is not None
    assert again.attempt == 2


def test_two_refusals_open_the_breaker_until_a_person_closes_it(engine: sa.Engine) -> None:
    later = NOW + 400 * DAY  # after the ledger's entry, which is of today
    ran(engine, runs.REFUSED, later - 3 * DAY)
    ran(engine, runs.FAILED, later - 2.5 * DAY)
    ran(engine, runs.REFUSED, later - 2 * DAY)
    inbox.offer(engine, event(noticed=later), later)
    assert inbox.settle(engine, MODEL, SETTINGS, later) is None
    [waiting] = inbox.listed(engine, MODEL)
    assert "the breaker is open: the gate refused the last 2 challengers" in waiting.why
    inbox.close_breaker(engine, MODEL, "a person", later)
    assert inbox.settle(engine, MODEL, SETTINGS, later) is not None


def test_challengers_that_could_not_be_told_open_no_breaker(engine: sa.Engine) -> None:
    later = NOW + 400 * DAY
    for days in (3, 2, 1):
        ran(engine, runs.REFUSED, later - days * DAY, outcome=Outcome.INCONCLUSIVE)
    inbox.offer(engine, event(noticed=later), later)
    assert inbox.settle(engine, MODEL, SETTINGS, later) is not None


def test_what_waits_for_newer_data_starts_when_it_is_there(engine: sa.Engine) -> None:
    inbox.offer(engine, event(), NOW)
    assert inbox.settle(engine, MODEL, SETTINGS, NOW, "no later month is over") is None
    [waiting] = inbox.listed(engine, MODEL)
    assert waiting.why == "waits for newer data: no later month is over"
    assert inbox.settle(engine, MODEL, SETTINGS, NOW + DAY) is not None


def test_the_cool_down_grows_with_the_training(engine: sa.Engine) -> None:
    ran(engine, runs.PROMOTED, NOW - DAY, hours=20)
    inbox.offer(engine, event(), NOW)
    start = inbox.settle(engine, MODEL, SETTINGS, NOW)
    assert start is not None
    inbox.finish(engine, start.trigger, "run-1", "refused", NOW + HOUR)
    inbox.offer(engine, event("two", noticed=NOW + DAY), NOW + DAY)
    assert inbox.settle(engine, MODEL, SETTINGS, NOW + 39 * HOUR) is None
    assert inbox.settle(engine, MODEL, SETTINGS, NOW + 40 * HOUR) is not None


def test_a_person_is_heard_at_once(engine: sa.Engine) -> None:
    inbox.offer(engine, event(), NOW)
    first = inbox.settle(engine, MODEL, SETTINGS, NOW)
    assert first is not None
    inbox.finish(engine, first.trigger, "run-1", "refused", NOW + HOUR)
    inbox.offer(engine, asked_by_a_person(MODEL, "a new source", NOW + HOUR), NOW + HOUR)
    second = inbox.settle(engine, MODEL, SETTINGS, NOW + HOUR)
    assert second is not None
    assert second.trigger.to_json()["cause"] == "a person"


def test_an_alarm_of_a_version_that_is_gone_is_dropped(engine: sa.Engine) -> None:
    go_live(engine, "alpha@v4")
    inbox.offer(engine, event(), NOW)
    assert inbox.settle(engine, MODEL, SETTINGS, NOW) is None
    [dropped] = inbox.listed(engine, MODEL)
    assert dropped.state is State.DROPPED
    assert dropped.why == f"it is about {LIVE}, and alpha@v4 is live now"


def _storm(database: Path, seed: int, events: int) -> list[int]:
    """Tell events in an order of one's own, each some times, and decide after each of some."""
    engine = store.connect(database)
    draw = random.Random(seed)
    told = [number for number in range(events // 5) for _ in range(5)]
    draw.shuffle(told)
    started = []
    for place, number in enumerate(told):
        noticed = NOW - timedelta(minutes=draw.randrange(600))
        inbox.offer(engine, event(f"window {number}", noticed=noticed), NOW)
        if place % 25 == 0:
            start = inbox.settle(engine, MODEL, SETTINGS, NOW)
            started += [] if start is None else [start.trigger.id]
    engine.dispose()
    return started


def _in_processes(database: Path, processes: int, events: int) -> list[int]:
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        found = pool.starmap(_storm, [(database, seed, events) for seed in range(processes)])
    return [number for started in found for number in started]


def test_duplicate_late_and_shuffled_events_start_one_retrain(
    engine: sa.Engine, tmp_path: Path
) -> None:
    assert len(_in_processes(tmp_path / "state.db", 2, 200)) == 1
    told = inbox.listed(engine, MODEL, 1000)
    assert sum(trigger.times for trigger in told) == 400
    assert len(told) == 40
    assert [t.state for t in told].count(State.STARTED) == 1
    inbox.settle(engine, MODEL, SETTINGS, NOW)
    # Each can say why it did not start.
    states = {trigger.state for trigger in inbox.listed(engine, MODEL, 1000)}
    assert states == {State.STARTED, State.ANSWERED}


@pytest.mark.slow
def test_ten_thousand_events_start_one_retrain(engine: sa.Engine, tmp_path: Path) -> None:
    assert len(_in_processes(tmp_path / "state.db", 4, 2500)) == 1
    told = inbox.listed(engine, MODEL, 10_000)
    assert sum(trigger.times for trigger in told) == 10_000


@pytest.mark.slow
def test_it_works_in_postgresql(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with running() as server:
        address = f"postgresql+psycopg://postgres@127.0.0.1:{server.port}/postgres"
        monkeypatch.setenv("EVERGREEN_DATABASE_URL", address)
        engine = store.connect(tmp_path / "unused.db")
        go_live(engine)
        assert len(_in_processes(tmp_path / "unused.db", 3, 400)) == 1
        assert sum(t.times for t in inbox.listed(engine, MODEL, 1000)) == 1200
        start = inbox.listed(engine, MODEL, 1000)
        begun = next(trigger for trigger in start if trigger.state is State.STARTED)
        inbox.take(engine, begun.id, begun.attempt)
        with pytest.raises(BusyError):
            inbox.take(engine, begun.id, begun.attempt)
        engine.dispose()
