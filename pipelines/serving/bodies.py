"""Reading bodies, within bounds: of one, of all that are on their way together, and of time."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Coroutine, Generator
from http import HTTPStatus
from typing import Any, TypeVar

from pipelines.serving.asgi import Receive, UnreadError
from pipelines.serving.problems import SEND_LESS

T = TypeVar("T")

# How many times the limit is read, and dropped, before the connection is closed.
DRAINED_BODIES = 16
# How many bodies of the largest size may be on their way at a time: clients that stop in the
# middle of theirs must not fill the memory.
OPEN_BODIES = 16


class ClientGoneError(Exception):
    """The client went away: there is nobody to answer."""


class Bodies:
    """The bodies that one worker reads.

    Args:
        max_bytes: the most that one may have.
        timeout_seconds: how long one may take.
    """

    def __init__(self, max_bytes: int, timeout_seconds: float) -> None:
        self._max_bytes = max_bytes
        self._timeout_seconds = timeout_seconds
        self._open_bytes = 0

    async def read(self, receive: Receive) -> bytes:
        """The whole body of a request.

        What is beyond the limit is read and dropped, within reason: a client that is cut off while
        it sends sees a broken connection, and never the answer that says why.

        Raises:
            UnreadError: 413 for too many bytes, 408 if they do not come in time, 503 if too many
                of others are on their way.
            ClientGoneError: the client went away.
        """
        try:
            body = await within(self._whole(receive), self._timeout_seconds)
        except TimeoutError:
            raise UnreadError(
                f"not there after {self._timeout_seconds:g} s",
                where="body",
                next_step="send it faster, or less of it",
                status=HTTPStatus.REQUEST_TIMEOUT,
            ) from None
        if len(body) > self._max_bytes:
            raise UnreadError(
                f"larger than {self._max_bytes} bytes",
                where="body",
                next_step=SEND_LESS,
                status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            )
        return body

    async def _whole(self, receive: Receive) -> bytes:
        content, has_more = await _part(receive)
        if not has_more:
            return content  # nearly always, and without a copy
        body, seen, held = bytearray(content), len(content), 0
        try:
            while has_more and seen <= DRAINED_BODIES * self._max_bytes:
                self._open_bytes += len(body) - held
                held = len(body)
                if self._open_bytes > OPEN_BODIES * self._max_bytes:
                    raise UnreadError(
                        f"{self._open_bytes} bytes of bodies are on their way",
                        where="server",
                        next_step="try again in a moment",
                        status=HTTPStatus.SERVICE_UNAVAILABLE,
                    )
                content, has_more = await _part(receive)
                seen += len(content)
                if len(body) <= self._max_bytes:
                    body += content
        finally:
            self._open_bytes -= held
        return bytes(body)


async def _part(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] != "http.request":
        raise ClientGoneError
    return message.get("body", b""), message.get("more_body", False)


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
