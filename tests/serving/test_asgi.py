"""What routes take, what they answer, and how they refuse."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from pipelines.errors import RequestError
from pipelines.serving.asgi import UnreadError, header, refuse, replay, require, respond

GONE = {"type": "http.disconnect"}


def part(content: bytes) -> dict[str, Any]:
    return {"type": "http.request", "body": content, "more_body": False}


def test_a_body_is_given_again_once_and_then_the_client_is_waited_for() -> None:
    async def receive() -> dict[str, Any]:
        return GONE

    async def twice() -> list[Any]:
        again = replay(b"body", receive)
        return [await again(), await again()]

    assert asyncio.run(twice()) == [part(b"body"), GONE]


def sent_by(error: RequestError) -> tuple[int, dict[bytes, bytes], Any]:
    """Status, headers and content of a refusal."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    status = asyncio.run(refuse(send, error, [(b"x-request-id", b"abc")]))
    start, body = sent
    assert start["status"] == status
    headers = dict(start["headers"])
    assert int(headers[b"content-length"]) == len(body["body"])
    return status, headers, json.loads(body["body"])


@pytest.mark.parametrize(
    ("kind", "status", "told"),
    [
        (RequestError, 503, {b"retry-after": b"1"}),
        (UnreadError, 503, {b"retry-after": b"1", b"connection": b"close"}),
        (UnreadError, 413, {b"connection": b"close"}),
        (RequestError, 413, {}),  # too many rows: their body was read
        (RequestError, 422, {}),
    ],
)
def test_a_refusal_says_how_to_go_on(
    kind: type[RequestError], status: int, told: dict[bytes, bytes]
) -> None:
    error = kind("wrong", where="body", next_step="mend it", status=status)
    seen, headers, content = sent_by(error)

    assert seen == content["status"] == status
    assert headers[b"content-type"] == b"application/problem+json"
    assert headers[b"x-request-id"] == b"abc"
    assert {name: headers.get(name) for name in (b"retry-after", b"connection")} == {
        b"retry-after": None,
        b"connection": None,
        **told,
    }


def test_an_answer_has_the_length_of_its_body() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(respond(send, 200, [(b"a", b"b")], b"123"))
    assert sent[0]["headers"] == [(b"a", b"b"), (b"content-length", b"3")]
    assert sent[1]["body"] == b"123"


JSON, OCTETS = "application/json", "application/octet-stream"


@pytest.mark.parametrize(
    "declared",
    [
        [],
        [b"application/json"],
        [b"Application/JSON; charset=utf-8"],
        [b"application/octet-stream"],
        [b"application/octet-stream", b"application/json"],
    ],
)
def test_a_body_is_taken_as_what_it_is_declared(declared: list[bytes]) -> None:
    scope = {"method": "POST", "headers": [(b"content-type", value) for value in declared]}
    require(scope, "POST", JSON, OCTETS)


@pytest.mark.parametrize(
    "declared",
    [
        [b""],
        [b"application/vnd.bentoml+pickle"],
        [b"application/x-www-form-urlencoded"],
        [b"multipart/form-data; boundary=x"],
        [b"text/plain"],
        [b"application/json", b"application/vnd.bentoml+pickle"],
        [b"\xff" * 1000],
    ],
)
def test_a_body_of_another_type_is_refused(declared: list[bytes]) -> None:
    scope = {"method": "POST", "headers": [(b"content-type", value) for value in declared]}
    with pytest.raises(RequestError, match="is not taken here") as caught:
        require(scope, "POST", JSON, OCTETS)
    assert caught.value.status == 415
    assert "`content-type: application/json`" in caught.value.next_step
    assert len(str(caught.value)) < 300


def test_the_first_value_of_a_header_counts() -> None:
    scope = {"headers": [(b"a", b"1"), (b"b", b"2"), (b"a", b"3")]}

    assert header(scope, b"a") == b"1"
    assert header(scope, b"c") is None
