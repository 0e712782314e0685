"""What is read from the headers of a request."""

from __future__ import annotations

import re
import time

import pytest

from pipelines.serving.context import asked

NEW = re.compile(r"[0-9a-f]{32}")


@pytest.mark.parametrize("given", [b"a", b"4bf92f3577b34da6", b"~!x/y=z", b"x" * 128])
def test_a_request_id_is_kept(given: bytes) -> None:
    headers = [(b"accept", b"*/*"), (b"x-request-id", given)]

    assert asked("rest", headers).request_id == given.decode()


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"x" * 129,
        b"two words",
        b"line\nbreak",
        b"bell\x07",
        "Zürich".encode(),
        b"\xff",
        b"a\0",
    ],
)
def test_a_request_id_that_cannot_go_into_a_log_is_replaced(given: bytes) -> None:
    assert NEW.fullmatch(asked("rest", [(b"x-request-id", given)]).request_id)


def test_without_a_request_id_each_request_gets_its_own() -> None:
    ids = {asked("rest", []).request_id for _ in range(100)}

    assert len(ids) == 100
    assert all(NEW.fullmatch(one) for one in ids)


@pytest.mark.parametrize(
    ("headers", "is_shadow"),
    [
        ([], False),
        ([(b"host", b"flights.example")], False),
        ([(b"host", b"flights.example:8080")], False),
        ([(b"host", b"shadow.example")], False),
        ([(b"host", b"flights-shadow.example")], False),
        ([(b"host", b"flights.example-shadow:port")], False),
        ([(b"host", b"flights.example-shadow")], True),
        ([(b"host", b"flights.example-shadow:8080")], True),
        ([(b":authority", b"flights.example-shadow:8080")], True),
        ([(b"x-evergreen-shadow", b"1"), (b"host", b"flights.example")], True),
        ([(b"host", b"flights.example-shadow"), (b"x-request-id", b"a")], True),
        ([(b"x-forwarded-host", b"flights.example-shadow")], False),
    ],
)
def test_a_mirrored_request_is_known_by_its_host(
    headers: list[tuple[bytes, bytes]], is_shadow: bool
) -> None:
    assert asked("grpc", headers).is_shadow is is_shadow


def test_a_request_knows_its_door_and_when_it_came() -> None:
    before = time.time_ns(), time.monotonic_ns()
    known = asked("predict", [])

    assert known.door == "predict"
    assert before[0] <= known.arrived_ns <= time.time_ns()
    assert before[1] <= known.started_ns <= time.monotonic_ns()
