"""A limit on the size of request bodies, which BentoML does not have."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

from pipelines.errors import RequestError
from pipelines.serving.protocol import PROBLEM_JSON, SEND_LESS, write_problem

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
# How many times the limit is read, and dropped, before the connection is closed.
DRAINED_BODIES = 16

App = Callable[[Message, Receive, Send], Awaitable[None]]


class BodyLimit:
    """ASGI middleware: answers 413 to a body of more than `max_bytes`, chunked or not.

    The body is read here and handed on whole. Raising out of `receive` would be shorter, but an
    exception that leaves a BentoML middleware keeps the client waiting until the timeout.
    """

    def __init__(self, app: App, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = await _read(receive, self._max_bytes)
        if body is None:
            return  # the client has gone: there is nobody to answer
        if len(body) > self._max_bytes:
            await self._refuse(send)
            return
        await self._app(scope, _replay(body, receive), send)

    async def _refuse(self, send: Send) -> None:
        error = RequestError(
            f"larger than {self._max_bytes} bytes",
            where="body",
            next_step=SEND_LESS,
            status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        )
        status, content = write_problem(error)
        headers = [(b"content-type", PROBLEM_JSON.encode()), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})


async def _read(receive: Receive, max_bytes: int) -> bytes | None:
    """The body, or a little more than `max_bytes` of it; None if the client went away.

    What is beyond the limit is read and dropped, within reason: a client that is cut off while it
    sends sees a broken connection, and never the answer that says why.
    """
    body = bytearray()
    seen = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        content = message.get("body", b"")
        seen += len(content)
        if len(body) <= max_bytes:
            body += content
        if not message.get("more_body", False) or seen > DRAINED_BODIES * max_bytes:
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    is_sent = False

    async def replay() -> Message:
        nonlocal is_sent
        if is_sent:
            return await receive()  # waits for the client to disconnect
        is_sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
