"""Who is taken for a client, and what becomes of those who guess."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipelines.identity import authentication, clients
from pipelines.identity.authentication import Authentication, TooManyGuessesError
from pipelines.identity.clients import Client
from pipelines.identity.guessing import FREE_FAILURES
from pipelines.state import store

PEER = "127.0.0.1"


class Time:
    """Both clocks, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    return store.connect(tmp_path / "state.db")


def _add(engine: sa.Engine, name: str = "shop", expires: float | None = None) -> str:
    return clients.add(engine, Client(name, ("feedback",), "standard", "", expires), ["standard"])


def _authentication(engine: sa.Engine) -> tuple[Authentication, Time]:
    time = Time()
    return Authentication(engine, time, time), time


def test_the_secret_makes_the_client(engine: sa.Engine) -> None:
    secret = _add(engine)
    asked, _ = _authentication(engine)
    found = asked.client("shop", secret, PEER)
    assert found is not None
    assert found.id == "shop"
    for name, given in (("shop", "wrong"), ("shop", ""), ("shop2", secret), ("", secret)):
        assert asked.client(name, given, PEER) is None


def test_whoever_guesses_waits_longer_and_longer(engine: sa.Engine) -> None:
    secret = _add(engine)
    asked, time = _authentication(engine)
    for _ in range(FREE_FAILURES):
        assert asked.client("shop", "wrong", PEER) is None
    waits = []
    for _ in range(8):
        with pytest.raises(TooManyGuessesError) as caught:
            asked.client("shop", "wrong", PEER)
        waits.append(caught.value.wait_seconds)
        time.now += caught.value.wait_seconds
        assert asked.client("shop", "wrong", PEER) is None
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    assert str(waits[-1]) in caught.value.next_step

    # The right secret waits as well, or its being right would show; from elsewhere it does not.
    with pytest.raises(TooManyGuessesError):
        asked.client("shop", secret, PEER)
    assert asked.client("shop", secret, "127.0.0.2") is not None
    time.now += 60
    assert asked.client("shop", secret, PEER) is not None
    assert asked.client("shop", "wrong", PEER) is None


def test_a_client_that_does_not_exist_is_not_told_apart(engine: sa.Engine) -> None:
    asked, _ = _authentication(engine)
    for _ in range(FREE_FAILURES):
        assert asked.client("nobody", "wrong", PEER) is None
    with pytest.raises(TooManyGuessesError):
        asked.client("nobody", "wrong", PEER)


def test_whoever_tries_one_client_after_the_other_waits_as_well(engine: sa.Engine) -> None:
    secret, other = _add(engine), _add(engine, "other")
    asked, time = _authentication(engine)
    assert asked.client("shop", secret, PEER) is not None
    for number in range(30):
        assert asked.client(f"guess-{number}", "wrong", PEER) is None
    for _ in range(4):
        with pytest.raises(TooManyGuessesError) as caught:
            asked.client("yet-another", "wrong", PEER)
        time.now += caught.value.wait_seconds
        assert asked.client(f"guess-{time.now}", "wrong", PEER) is None
    assert caught.value.wait_seconds == 5
    # A neighbour that is known goes on; one that is new has to wait, from there.
    assert asked.client("shop", secret, PEER) is not None
    with pytest.raises(TooManyGuessesError):
        asked.client("other", other, PEER)
    assert asked.client("other", other, "127.0.0.2") is not None


def test_a_removed_or_expired_client_gets_nothing_at_once(engine: sa.Engine) -> None:
    asked, time = _authentication(engine)
    secret = _add(engine, expires=time.now + 10)
    assert asked.client("shop", secret, PEER) is not None
    time.now += 10
    assert asked.client("shop", secret, PEER) is None

    other = _add(engine, "other")
    assert asked.client("other", other, PEER) is not None
    clients.remove(engine, "other")
    assert asked.client("other", other, PEER) is None
    again = _add(engine, "other")
    assert asked.client("other", other, PEER) is None
    assert asked.client("other", again, PEER) is not None


def test_a_secret_that_was_right_costs_no_second_scrypt(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, _ = _authentication(engine)
    secret, calls = _add(engine), []
    matches = authentication.secret.matches

    def counted(given: str, kept: str) -> bool:
        calls.append(given)
        return matches(given, kept)

    monkeypatch.setattr(authentication.secret, "matches", counted)
    for _ in range(5):
        assert asked.client("shop", secret, PEER) is not None
    assert len(calls) == 1
    # What is remembered holds for this client alone.
    _add(engine, "other")
    assert asked.client("other", secret, PEER) is None


def test_many_threads_get_the_same_answers(engine: sa.Engine) -> None:
    asked, _ = _authentication(engine)
    secret, answers = _add(engine), []

    def ask() -> None:
        answers.append(asked.client("shop", secret, PEER) is not None)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 8
