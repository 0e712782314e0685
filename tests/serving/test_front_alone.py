"""The front without BentoML behind it: what doors raise, and what passes by."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pipelines.errors import CellError
from pipelines.serving.asgi import App, Message, Receive, Send
from pipelines.serving.bodies import Bodies, ClientGoneError
from pipelines.serving.front import Begun, Doors, Front, _First
from pipelines.serving.problems import refused
from tests.serving.doors import ask


def first(app: App, doors: Doors | None = None) -> App:
    """The front of an application that is not BentoML's."""
    known = doors or Doors()
    known.bodies, known.version = Bodies(10, 1.0), "v3"
    return _First(app, known)


async def nothing(scope: Message, receive: Receive, send: Send) -> None:
    raise AssertionError("not to be asked")


def test_doors_are_found_by_path_or_by_prefix() -> None:
    doors, page, all_below = Doors(), first(nothing), first(nothing)
    doors.exact["/page"] = page
    doors.prefixes["/v2"] = all_below

    assert doors.find("/page") is page
    assert doors.find("/v2") is doors.find("/v2/") is doors.find("/v2/x/y") is all_below
    assert [doors.find(path) for path in ("/", "/page/", "/v22", "/v", "")] == [None] * 5


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (refused("wrong", "body", "mend it", 418), 418),
        (CellError("wrong", row=1, column="a", next_step="mend it"), 422),
        (KeyError("a"), 500),
        (RecursionError(), 500),
        (MemoryError(), 500),
    ],
)
def test_whatever_a_door_raises_is_a_problem(error: Exception, status: int) -> None:
    async def door(scope: Message, receive: Receive, send: Send) -> None:
        raise error

    doors = Doors()
    doors.exact["/door"] = door

    assert ask(first(nothing, doors), "/door").problem["status"] == status


def test_half_an_answer_is_not_followed_by_another() -> None:
    async def door(scope: Message, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise KeyError("a")

    doors = Doors()
    doors.exact["/door"] = door
    with pytest.raises(KeyError):
        ask(first(nothing, doors), "/door")


def test_a_client_that_goes_away_is_not_answered() -> None:
    async def door(scope: Message, receive: Receive, send: Send) -> None:
        raise ClientGoneError

    doors = Doors()
    doors.exact["/door"] = door
    with pytest.raises(ValueError, match="not enough values"):  # nothing was sent
        ask(first(nothing, doors), "/door")


def test_a_body_for_bentoml_is_bounded_and_handed_on() -> None:
    async def echo(scope: Message, receive: Receive, send: Send) -> None:
        message = await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": message["body"]})

    assert ask(first(echo), "/predict", "POST", b"0123456789").body == b"0123456789"
    assert ask(first(echo), "/predict", "POST", b"0123456789x").problem["status"] == 413


def test_what_is_not_http_passes_by() -> None:
    seen = []

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    async def silent(*_: Any) -> Any:
        raise AssertionError("nothing is received or sent")

    asyncio.run(first(app)({"type": "websocket", "path": "/v2"}, silent, silent))
    assert seen == ["websocket"]


def test_the_middleware_moves_when_the_server_starts_and_once() -> None:
    class Application:
        def __init__(self) -> None:
            self.middleware_stack: Any = nothing

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        """What stands behind the middleware."""

    async def silent(*_: Any) -> Any:
        raise AssertionError("nothing is received or sent")

    application = Application()
    front = Front(app, Doors())
    for _ in range(2):
        asyncio.run(front({"type": "lifespan", "app": application}, silent, silent))

    assert isinstance(application.middleware_stack, _First)
    assert application.middleware_stack._app is nothing


def test_an_answer_has_begun_with_its_first_message() -> None:
    async def send(message: Message) -> None:
        """Sent."""

    begun = Begun(send)
    assert not begun.has_begun
    asyncio.run(begun({"type": "http.response.start"}))
    assert begun.has_begun
