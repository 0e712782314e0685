"""Heads that are too large, or never whole."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
import uvicorn
from uvicorn.server import ServerState

from pipelines.serving import connections
from pipelines.serving.connections import MOST_HEAD_BYTES, Connection, Joining
from tests.waiting import PATIENCE_SECONDS, until

REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n"


async def greet(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await asyncio.sleep(1.0 if scope["path"] == "/slow" else 0.0)
        headers = [(b"content-length", b"5")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"hello"})


@pytest.fixture
def port() -> Iterator[int]:
    server = uvicorn.Server(uvicorn.Config(greet, http=Connection, log_level="error"))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        until(lambda: server.started)
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join()


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as client:
        yield client


def answer(client: socket.socket) -> bytes:
    """What comes until a greeting is whole, or the connection ends."""
    seen = b""
    while not seen.endswith(b"hello"):
        if not (more := client.recv(4096)):
            break
        seen += more
    return seen


def header(size: int) -> bytes:
    return b"a: " + b"x" * (size - 5) + b"\r\n"


def test_one_request_after_another_is_answered(port: int) -> None:
    # Together they are more than one may be.
    request = REQUEST + header(MOST_HEAD_BYTES // 2) + b"\r\n"
    with connected(port) as client:
        for _ in range(4):
            client.sendall(request)
            assert b" 200 " in answer(client)


@pytest.mark.parametrize(
    "head",
    [
        REQUEST + header(MOST_HEAD_BYTES),
        REQUEST + header(1000) * (MOST_HEAD_BYTES // 1000 + 1),
        b"GET /" + b"x" * MOST_HEAD_BYTES,
        b"\r\n" * MOST_HEAD_BYTES,
    ],
    ids=["one header", "many headers", "path", "empty lines"],
)
def test_a_head_that_does_not_end_is_refused(port: int, head: bytes) -> None:
    with connected(port) as client:
        client.sendall(head[: MOST_HEAD_BYTES + 1])
        assert answer(client).startswith(b"HTTP/1.1 431 ")
    with connected(port) as client:
        client.sendall(REQUEST + b"\r\n")
        assert b" 200 " in answer(client)


def test_a_head_of_megabytes_fills_no_memory(port: int) -> None:
    with connected(port) as client, pytest.raises(ConnectionError):
        for _ in range(1000):
            client.sendall(b"x" * 2**16)


def test_a_body_is_no_head(port: int) -> None:
    """The next request begins in the same read, and is not taken for a hundred kilobytes."""
    size = 2 * MOST_HEAD_BYTES
    with connected(port) as client:
        head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % size
        client.sendall(head + b"x" * size + REQUEST)
        assert b" 200 " in answer(client)
        client.sendall(b"\r\n")
        assert b" 200 " in answer(client)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (b"", b""),
        (b"", REQUEST),
        (REQUEST + b"\r\n", REQUEST),
        (REQUEST + b"\r\n", b"\r\n"),
        (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n", b"x"),
    ],
    ids=["nothing", "half a head", "half a second head", "an empty line", "half a body"],
)
def test_a_head_that_does_not_come_is_not_waited_for(
    port: int, first: bytes, then: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 1.0)
    with connected(port) as client:
        if first:
            client.sendall(first)
            assert b" 200 " in answer(client)
        client.sendall(then)
        assert client.recv(4096) == b""


def test_an_answer_under_way_is_waited_for(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.1)
    with connected(port) as client:
        client.sendall(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n" + REQUEST)
        assert b" 200 " in answer(client)
        assert client.recv(4096) == b""


def test_nobody_is_asked_where_a_client_is() -> None:
    known = uvicorn.Config(greet, http=Connection)
    known.load()
    assert known.loaded_app is not greet
    loop = asyncio.new_event_loop()
    try:
        assert Connection(known, ServerState(), {}, loop).app is greet
    finally:
        loop.close()


class Wire:
    """What a transport is told to send."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.is_over = False

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    def writelines(self, parts: list[bytes]) -> None:
        self.sent += parts

    def is_closing(self) -> bool:
        return self.is_over

    def close(self) -> None:
        self.is_over = True


def test_what_is_written_in_one_turn_is_sent_at_once() -> None:
    asyncio.run(_write())


async def _write() -> None:
    wire = Wire()
    joining = Joining(cast(asyncio.Transport, wire), asyncio.get_running_loop())
    for part in (b"head", b"body"):
        joining.write(part)
    assert wire.sent == []
    await asyncio.sleep(0)
    assert wire.sent == [b"headbody"]

    large = bytes(10**6)
    joining.write(b"head")
    joining.write(large)
    assert wire.sent[1:] == [b"head", large]
    assert wire.sent[2] is large

    joining.write(b"last")
    joining.close()
    assert (wire.sent[3:], joining.is_closing()) == ([b"last"], True)
    joining.write(b"too late")
    await asyncio.sleep(0)
    assert len(wire.sent) == 4
