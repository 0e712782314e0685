"""The limit on bodies, message by message."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from pipelines.serving.body_limit import DRAINED_BODIES, BodyLimit

LIMIT = 10


def through(*incoming: dict[str, Any], kind: str = "http") -> tuple[list[Any], list[Any], int]:
    """What the application received, what the client received, and how many messages were read."""
    received: list[Any] = []
    sent: list[Any] = []
    waiting = list(incoming)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        received.append(await receive())

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": kind, "headers": []}
    asyncio.run(BodyLimit(application, LIMIT)(scope, receive, send))
    return received, sent, len(incoming) - len(waiting)


def part(content: bytes, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": content, "more_body": more}


def test_a_body_in_parts_is_handed_on_whole() -> None:
    received, sent, _ = through(part(b"12345", more=True), part(b"67890"))

    assert received == [part(b"1234567890")]
    assert sent == []


def test_a_larger_body_is_read_to_its_end_and_refused() -> None:
    received, sent, read = through(part(b"x" * 10, more=True), part(b"x", more=True), part(b"x"))

    assert received == []
    assert [message.get("status") for message in sent] == [413, None]
    assert json.loads(sent[1]["body"])["detail"] == f"body: larger than {LIMIT} bytes"
    assert read == 3


def test_an_endless_body_is_not_read_for_ever() -> None:
    endless = [part(b"x" * LIMIT, more=True) for _ in range(100)]
    received, sent, read = through(*endless)

    assert received == []
    assert sent[0]["status"] == 413
    assert read == DRAINED_BODIES + 1


def test_a_client_that_goes_away_is_not_answered() -> None:
    received, sent, _ = through(part(b"x", more=True), {"type": "http.disconnect"})

    assert (received, sent) == ([], [])


def test_what_is_not_http_passes_by() -> None:
    received, _, _ = through({"type": "lifespan.startup"}, kind="lifespan")

    assert received == [{"type": "lifespan.startup"}]
