"""ASGI in three verbs: hold a request to its route, send an answer, refuse.

Nothing of Starlette: the routes that answer thousands of requests a second make do without its
Request and Response.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping, Sequence
from http import HTTPStatus
from typing import Any

from pipelines.errors import CellError, RequestError
from pipelines.serving.problems import PROBLEM_JSON, refused, write_problem

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]
JSON = "application/json"
_CONTENT_TYPE = b"content-type"


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


def require(scope: Message, method: str, *media_types: str) -> None:
    """Hold a request to what its route takes; HEAD goes where GET does.

    Args:
        scope: of the request.
        method: the one that the route has.
        media_types: what a body may be declared as; one that is not declared is taken as the first.

    Raises:
        RequestError: 405 for another method, 415 for a compressed body or one of another type.
    """
    if scope["method"] != method and not (method == "GET" and scope["method"] == "HEAD"):
        raise MethodError(scope["method"], method)
    for name, value in scope["headers"]:  # whoever sends one twice is held to both
        if name == _CONTENT_TYPE:
            if media_types:
                _require_media_type(value, media_types)
        elif name == b"content-encoding" and value not in (b"", b"identity"):
            raise refused(
                "compressed bodies are not taken",
                "content-encoding",
                "send the body as it is",
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            )


def _require_media_type(value: bytes, allowed: Sequence[str]) -> None:
    declared = value.decode("latin-1")
    if declared.partition(";")[0].strip().lower() not in allowed:
        wanted = " or ".join(allowed)
        raise refused(
            f"{declared[:80]!r} is not taken here",
            "content-type",
            f"send {wanted}, and say so: `content-type: {allowed[0]}`",
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        )


class UnreadError(RequestError):
    """More of the body may be on its way, so that the connection is closed after the answer."""


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
    told = [(_CONTENT_TYPE, PROBLEM_JSON.encode()), *headers, *headers_of(error, status)]
    await respond(send, status, told, body)
    return status


def headers_of(error: RequestError | CellError, status: int) -> Iterator[tuple[bytes, bytes]]:
    """What HTTP has to say of a refusal beside its body."""
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        yield b"retry-after", b"1"
    if status == HTTPStatus.UNAUTHORIZED:
        yield b"www-authenticate", b"Bearer"
    if isinstance(error, UnreadError):
        yield b"connection", b"close"
    if isinstance(error, MethodError):
        yield b"allow", error.allowed.encode()


def header(scope: Message, name: bytes) -> bytes | None:
    """The first value of a header, whose name is given in lower case."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return None
