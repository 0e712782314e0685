"""Messages that arrive, and the many ways in which one does not; all with real sockets."""

from __future__ import annotations

import logging
import threading
import time

import pytest

from pipelines.alerting.addresses import Address
from pipelines.alerting.messages import Message
from pipelines.alerting.sending import send
from pipelines.ports import free_port
from tests.alerting.people import SECRET, Person

MESSAGE = Message("critical", "[critical] alpha was rolled back", "why: too slow\nnext step: none")
PATIENCE = 20.0


def address(url: str, number: int = 1) -> Address:
    return Address(f"address {number} (json)", url)


def problem(url: str, timeout_seconds: float = PATIENCE) -> str:
    [found] = send(MESSAGE, [address(url)], timeout_seconds)
    assert found.is_taken == (not found.problem)
    return found.problem


def test_it_arrives_as_it_was_written(person: Person) -> None:
    assert problem(person.url) == ""
    [told] = person.told
    assert told["title"] == MESSAGE.title
    assert told["message"] == MESSAGE.body
    assert told["type"] == "failure"


@pytest.mark.parametrize("severity", ["info", "warning"])
def test_the_service_is_told_how_severe_it_is(person: Person, severity: str) -> None:
    [found] = send(Message(severity, "t", "b"), [address(person.url)], PATIENCE)
    assert found.is_taken
    assert person.told[0]["type"] == severity


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_a_refusal_says_its_status(person: Person, status: int) -> None:
    person.status = status
    assert problem(person.url) == f"it answered {status}"


def test_nobody_listens() -> None:
    url = f"json://ann:{SECRET}@127.0.0.1:{free_port()}/{SECRET}"
    assert problem(url) == "it could not be reached, or did not answer in time"


def test_somebody_who_never_answers_is_waited_for_no_longer_than_said(person: Person) -> None:
    person.hangs = True
    began = time.monotonic()
    found = problem(person.url, timeout_seconds=0.5)
    # Far below the 30 seconds for which the door hangs.
    assert time.monotonic() - began < 15
    assert found in (
        "no answer within 0.5 s",
        "it could not be reached, or did not answer in time",
    )


def test_nobody_is_followed_to_where_a_redirect_leads(person: Person) -> None:
    other = Person()
    try:
        person.sends_on = f"http://{other.address}/"
        assert problem(person.url) == "it answered 302"
        assert other.told == []
    finally:
        other.close()


@pytest.mark.parametrize(
    "url", ["nonsense", "unknown://host/x", f"slack://{SECRET}", "json://", f"http://{SECRET}"]
)
def test_an_address_that_is_none_takes_nothing(url: str) -> None:
    assert problem(url) == "Apprise knows no such service, or the URL lacks a part"


def test_one_that_fails_keeps_no_other_from_being_told(person: Person) -> None:
    urls = ["nonsense", f"json://127.0.0.1:{free_port()}/", person.url]
    found = send(MESSAGE, [address(url, n) for n, url in enumerate(urls, start=1)], PATIENCE)
    assert [each.is_taken for each in found] == [False, False, True]
    assert [each.address for each in found] == [f"address {n} (json)" for n in (1, 2, 3)]
    assert len(person.told) == 1


@pytest.mark.parametrize("status", [200, 500, 302])
def test_no_secret_is_printed_or_logged(
    person: Person,
    status: int,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    person.status = status
    caplog.set_level(logging.DEBUG)
    unknown = f"slack://{SECRET}/x"
    nobody = f"json://ann:{SECRET}@127.0.0.1:{free_port()}/{SECRET}"
    found = send(MESSAGE, [address(url) for url in (person.url, unknown, nobody)], PATIENCE)
    printed = capfd.readouterr()
    everything = f"{found} {printed.out} {printed.err} {caplog.text}"
    assert SECRET not in everything
    assert person.address not in everything


def test_a_service_that_breaks_down_is_a_failure_like_others(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from apprise.plugins.custom_json import NotifyJSON

    def broken(*_: object, **__: object) -> bool:
        raise RuntimeError(f"cannot post to {person.url}")

    monkeypatch.setattr(NotifyJSON, "send", broken)
    assert problem(person.url) == "its service broke down with RuntimeError"


def test_a_late_answer_keeps_no_process_alive(person: Person) -> None:
    person.hangs = True
    send(MESSAGE, [address(person.url)], 0.2)
    waiting = [each for each in threading.enumerate() if each.name.startswith("alert-")]
    assert all(each.daemon for each in waiting)
