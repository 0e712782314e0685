"""From the store to a person, whole, with real messages."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from pipelines.alerting import telling, told
from pipelines.alerting.told import CLAIM_SECONDS
from pipelines.errors import AlertError
from pipelines.ports import free_port
from pipelines.rollout import store as rollouts
from pipelines.state import runs
from pipelines.state.ledger import ROLLED_BACK
from tests.alerting.factories import MODEL, begun, instant, promote, settings
from tests.alerting.people import SECRET, Person

NAME = "EVERGREEN_ALERT_URLS"


def refuse(engine: sa.Engine, number: int = 0) -> None:
    run, _ = runs.begin(engine, MODEL, "base", {"number": number}, "a test")
    runs.finish(engine, run.id, runs.REFUSED, verdict={"reason": "worse by .02"})


def look(engine: sa.Engine, person: Person | None, seconds: float = 0, **alerts: object):
    """At a moment by the clock of the rollout's builder; news of any age."""
    alerts = {"news_hours": 1e6, **alerts}
    environment = {} if person is None else {NAME: person.url}
    return telling.look(engine, settings(**alerts), environment, instant(seconds))


def test_it_is_told_once(engine: sa.Engine, person: Person) -> None:
    refuse(engine)
    first = look(engine, person)
    assert [event.kind for event in first.sent] == ["refused"]
    assert first.deliveries[0].is_taken
    assert not first.is_lost
    assert look(engine, person).sent == ()
    [message] = person.told
    assert "why: worse by .02" in message["message"]
    assert "evergreen report alpha" in message["message"]


def test_all_that_is_new_is_one_message(engine: sa.Engine, person: Person) -> None:
    promote(engine, "alpha@v2")
    promote(engine, "alpha@v1", ROLLED_BACK)
    refuse(engine)
    rollouts.open_new(engine, begun())
    look(engine, person, seconds=600)
    [message] = person.told
    assert message["type"] == "failure"
    assert "(and 2 more)" in message["title"]
    for part in ("was rolled back: alpha@v1 is live", "has no controller", "the gate refused"):
        assert part in message["message"]


def test_what_is_over_is_not_told_again_and_what_comes_back_is_not_missed(
    engine: sa.Engine, person: Person
) -> None:
    rollouts.open_new(engine, begun())
    assert look(engine, person, seconds=600).sent
    assert not look(engine, person, seconds=700).sent
    again = look(engine, person, seconds=600 + 12 * 3600)
    assert [event.kind for event in again.sent] == ["unwatched"]
    assert len(person.told) == 2


def test_with_nobody_to_tell_nothing_is_claimed(engine: sa.Engine, person: Person) -> None:
    refuse(engine)
    alone = look(engine, None)
    assert [event.kind for event in alone.events] == ["refused"]
    assert (alone.sent, alone.deliveries, told.listed(engine)) == ((), (), [])
    assert look(engine, person).sent


@pytest.mark.parametrize("status", [500, 401])
def test_a_failure_stops_nothing_and_is_counted_and_tried_again(
    engine: sa.Engine, person: Person, status: int
) -> None:
    refuse(engine)
    person.status = status
    lost = look(engine, person)
    assert lost.is_lost
    assert told.totals(engine) == told.Told(delivered=0, failed=1)
    [row] = told.listed(engine)
    assert row.problem == f"address 1 (json): it answered {status}"
    assert look(engine, person, seconds=1).sent == ()
    person.status = 200
    assert not look(engine, person, seconds=CLAIM_SECONDS + 1).is_lost
    assert told.totals(engine) == told.Told(delivered=1, failed=1)


def test_one_of_two_is_enough_and_the_other_is_named(engine: sa.Engine, person: Person) -> None:
    refuse(engine)
    nobody = f"json://ann:{SECRET}@127.0.0.1:{free_port()}/"
    environment = {NAME: f"{nobody} {person.url}"}
    found = telling.look(engine, settings(news_hours=1e6), environment, instant())
    assert not found.is_lost
    [row] = told.listed(engine)
    assert row.times_told == 1
    assert row.problem is not None
    assert row.problem.startswith("address 1 (json): it could not be reached")
    assert SECRET not in row.problem


def test_somebody_slow_holds_nothing_up(engine: sa.Engine, person: Person) -> None:
    refuse(engine)
    person.hangs = True
    found = look(engine, person, timeout_seconds=0.3)
    assert found.is_lost
    assert told.totals(engine).failed == 1


def test_a_kill_between_sending_and_marking_tells_twice_rather_than_never(
    engine: sa.Engine, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    refuse(engine)
    with monkeypatch.context() as patched:
        patched.setattr(told, "mark_told", die)
        with pytest.raises(Killed):
            look(engine, person)
    assert not look(engine, person, seconds=1).sent
    assert look(engine, person, seconds=CLAIM_SECONDS + 1).sent
    assert len(person.told) == 2


def test_trying_out_needs_somebody(person: Person) -> None:
    with pytest.raises(AlertError, match="no address is set"):
        telling.try_out(settings().alerts, {})
    [found] = telling.try_out(settings(least="critical").alerts, {NAME: person.url})
    assert found.is_taken
    assert person.told[0]["title"].startswith("[test]")
