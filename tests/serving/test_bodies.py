"""Bodies, message by message: bounded in bytes and in time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pipelines.errors import RequestError
from pipelines.serving.asgi import UnreadError
from pipelines.serving.bodies import DRAINED_BODIES, OPEN_BODIES, Bodies, ClientGoneError, within

LIMIT = 10
GONE = {"type": "http.disconnect"}


def part(content: bytes, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": content, "more_body": more}


def read(*incoming: dict[str, Any], seconds: float = 5.0) -> tuple[bytes, int]:
    """The body, and how many messages were read for it; beyond the last, a client is silent."""
    waiting = list(incoming)

    async def receive() -> dict[str, Any]:
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop(0)

    try:
        body = asyncio.run(Bodies(LIMIT, seconds).read(receive))
    except RequestError as error:
        error.add_note(str(len(incoming) - len(waiting)))
        raise
    return body, len(incoming) - len(waiting)


@pytest.mark.parametrize(
    ("parts", "body"),
    [
        ([part(b"")], b""),
        ([{"type": "http.request"}], b""),
        ([part(b"1234567890")], b"1234567890"),
        ([part(b"12345", more=True), part(b"67890")], b"1234567890"),
        ([part(b"", more=True), part(b"", more=True), part(b"1")], b"1"),
    ],
)
def test_a_body_in_parts_is_read_whole(parts: list[dict[str, Any]], body: bytes) -> None:
    assert read(*parts) == (body, len(parts))


@pytest.mark.parametrize(
    "parts",
    [
        [part(b"x" * (LIMIT + 1))],
        [part(b"x" * LIMIT, more=True), part(b"x", more=True), part(b"x")],
    ],
)
def test_a_larger_body_is_read_to_its_end_and_refused(parts: list[dict[str, Any]]) -> None:
    with pytest.raises(RequestError, match=f"body: larger than {LIMIT} bytes") as caught:
        read(*parts)

    assert caught.value.status == 413
    assert caught.value.__notes__ == [str(len(parts))]


def test_an_endless_body_is_not_read_for_ever() -> None:
    endless = [part(b"x" * LIMIT, more=True) for _ in range(100)]
    with pytest.raises(RequestError, match="larger than") as caught:
        read(*endless)

    assert caught.value.__notes__ == [str(DRAINED_BODIES + 1)]


@pytest.mark.parametrize("parts", [[], [part(b"x", more=True)]], ids=["no byte", "one byte"])
def test_a_body_that_does_not_come_is_not_waited_for(parts: list[dict[str, Any]]) -> None:
    with pytest.raises(RequestError, match=r"body: not there after 0\.05 s") as caught:
        read(*parts, seconds=0.05)

    assert caught.value.status == 408


@pytest.mark.parametrize("parts", [[GONE], [part(b"x", more=True), GONE]])
def test_a_client_that_goes_away_is_told_from_an_empty_body(parts: list[dict[str, Any]]) -> None:
    with pytest.raises(ClientGoneError):
        read(*parts)


class Client:
    """Sends one part of a body, and the rest when it is told to."""

    def __init__(self, content: bytes) -> None:
        self.rest = asyncio.Event()
        self._parts = [part(content, more=True), part(b"")]

    async def receive(self) -> dict[str, Any]:
        if len(self._parts) == 1:
            await self.rest.wait()
        return self._parts.pop(0)


def test_bodies_that_are_on_their_way_together_are_bounded() -> None:
    async def ask() -> None:
        bodies = Bodies(LIMIT, 60.0)
        clients = [Client(b"x" * LIMIT) for _ in range(OPEN_BODIES)]
        reading = [asyncio.create_task(bodies.read(each.receive)) for each in clients]
        await asyncio.sleep(0)
        with pytest.raises(UnreadError, match="bytes of bodies are on their way") as caught:
            await bodies.read(Client(b"x").receive)
        assert caught.value.status == 503
        # A body that is whole takes no room.
        assert await bodies.read(_whole(b"x" * LIMIT)) == b"x" * LIMIT
        clients[0].rest.set()
        assert await reading[0] == b"x" * LIMIT
        reading[1].cancel()
        await asyncio.wait(reading[1:2])
        late = Client(b"x")
        late.rest.set()
        assert await bodies.read(late.receive) == b"x"
        for each in clients:
            each.rest.set()
        await asyncio.wait(reading)

    asyncio.run(ask())


def _whole(content: bytes) -> Any:
    async def receive() -> dict[str, Any]:
        return part(content)

    return receive


def test_what_need_not_wait_has_no_timer() -> None:
    async def at_once() -> int:
        return 7

    async def ask() -> int:
        loop = asyncio.get_running_loop()
        loop.call_at = None  # type: ignore[assignment, method-assign]
        return await within(at_once(), 0.0)

    assert asyncio.run(ask()) == 7


def test_what_waits_is_waited_for_and_no_longer_than_it_may() -> None:
    ended: list[str] = []

    async def slowly(turns: int) -> str:
        try:
            for _ in range(turns):
                await asyncio.sleep(0.01)
        finally:
            ended.append("slowly")
        return "slow"

    assert asyncio.run(within(slowly(3), 5)) == "slow"
    with pytest.raises(TimeoutError):
        asyncio.run(within(slowly(3000), 0.05))
    assert ended == ["slowly"] * 2


def test_what_is_thrown_at_a_wait_is_its_own_affair() -> None:
    async def stubborn(turns: int) -> str:
        for _ in range(turns):
            try:
                await asyncio.sleep(5)
            except asyncio.CancelledError:
                continue
        return "still here"

    async def ask() -> str:
        task = asyncio.create_task(within(stubborn(2), 60))
        for _ in range(2):
            await asyncio.sleep(0.01)
            task.cancel()
        return await task

    assert asyncio.run(ask()) == "still here"


def test_what_it_raises_is_raised() -> None:
    async def broken() -> None:
        await asyncio.sleep(0)
        raise ClientGoneError

    with pytest.raises(ClientGoneError):
        asyncio.run(within(broken(), 5))
