"""ASGI in three verbs: read a body, within bounds; send an answer; refuse.

Nothing of Starlette: the routes that answer thousands of requests a second make do without its
Request and Response.
"""

from __future__ import annotations

import asyncio
import types
from collections.abc import (
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterable,
    MutableMapping,
)
from http import HTTPStatus
from typing import Any, TypeVar

from pipelines.errors import CellError, RequestError
from pipelines.serving.problems import PROBLEM_JSON, SEND_LESS, refused, write_problem

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]
T = TypeVar("T")

# How many times the limit is read, and dropped, before the connection is closed.
DRAINED_BODIES = 16


class ClientGoneError(Exception):
    """The client went away: there is nobody to answer."""


async def read_body(receive: Receive, max_bytes: int, timeout_seconds: float) -> bytes:
    """The whole body of a request.

    What is beyond the limit is read and dropped, within reason: a client that is cut off while it
    sends sees a broken connection, and never the answer that says why.

    Raises:
        RequestError: 413 for more than `max_bytes`, 408 if it does not come in time.
        ClientGoneError: the client went away.
    """
    try:
        body = await within(_whole(receive, max_bytes), timeout_seconds)
    except TimeoutError:
        raise RequestError(
            f"not there after {timeout_seconds:g} s",
            where="body",
            next_step="send it faster, or less of it",
            status=HTTPStatus.REQUEST_TIMEOUT,
        ) from None
    if len(body) > max_bytes:
        raise RequestError(
            f"larger than {max_bytes} bytes",
            where="body",
            next_step=SEND_LESS,
            status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        )
    return body


async def within(coroutine: Coroutine[Any, Any, T], seconds: float) -> T:
    """What a coroutine returns, or TimeoutError after so many seconds.

    The body of nearly every request is there when it is asked for, and a timer would cost several
    times what reading it does: so there is none before the coroutine has to wait.
    """
    try:
        waits_for = coroutine.send(None)
    except StopIteration as done:
        returned: T = done.value
        return returned
    async with asyncio.timeout(seconds):
        return await _rest(coroutine, waits_for)


@types.coroutine
def _rest(coroutine: Coroutine[Any, Any, T], waits_for: Any) -> Generator[Any, Any, T]:
    """`await coroutine`, which waits already."""
    try:
        while True:
            try:
                told = yield waits_for
            except BaseException as thrown:  # noqa: BLE001 (it is the coroutine's own affair)
                waits_for = coroutine.throw(thrown)
            else:
                waits_for = coroutine.send(told)
    except StopIteration as done:
        returned: T = done.value
        return returned


async def _whole(receive: Receive, max_bytes: int) -> bytes:
    content, has_more = await _part(receive)
    if not has_more:
        return content  # nearly always, and without a copy
    body, seen = bytearray(content), len(content)
    while has_more and seen <= DRAINED_BODIES * max_bytes:
        content, has_more = await _part(receive)
        seen += len(content)
        if len(body) <= max_bytes:
            body += content
    return bytes(body)


async def _part(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] != "http.request":
        raise ClientGoneError
    return message.get("body", b""), message.get("more_body", False)


def replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body again, for an application that reads it itself."""
    is_sent = False

    async def again() -> Message:
        nonlocal is_sent
        if is_sent:
            return await receive()  # waits for the client to disconnect
        is_sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def require(scope: Message, method: str) -> None:
    """Hold a request to the method of its route; HEAD goes where GET does.

    Raises:
        RequestError: 405 for another method, 415 for a compressed body.
    """
    if scope["method"] != method and not (method == "GET" and scope["method"] == "HEAD"):
        raise MethodError(scope["method"], method)
    if header(scope, b"content-encoding") not in (None, b"", b"identity"):
        raise refused(
            "compressed bodies are not taken",
            "content-encoding",
            "send the body as it is",
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        )


class MethodError(RequestError):
    """The route has another method; `allowed` are those that it has, as HTTP lists them."""

    def __init__(self, method: str, wanted: str) -> None:
        super().__init__(
            f"{method[:20]} is not taken here",
            where="method",
            next_step=f"send {wanted}",
            status=HTTPStatus.METHOD_NOT_ALLOWED,
        )
        self.allowed = "GET, HEAD" if wanted == "GET" else wanted


async def respond(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    """Send an answer at once."""
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def refuse(send: Send, error: RequestError | CellError, headers: Headers = ()) -> int:
    """Send an error as problem+json, and return its status."""
    status, body = write_problem(error)
    told = [(b"content-type", PROBLEM_JSON.encode()), *headers]
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        told.append((b"retry-after", b"1"))
    if status == HTTPStatus.UNAUTHORIZED:
        told.append((b"www-authenticate", b"Bearer"))
    if status in (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.REQUEST_TIMEOUT):
        told.append((b"connection", b"close"))  # more of the body may be on its way
    if isinstance(error, MethodError):
        told.append((b"allow", error.allowed.encode()))
    await respond(send, status, told, body)
    return status


def header(scope: Message, name: bytes) -> bytes | None:
    """The first value of a header, whose name is given in lower case."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return None
