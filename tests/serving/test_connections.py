"""Heads that are too large, or never whole."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
import uvicorn

from pipelines.serving import connections
from pipelines.serving.connections import MOST_HEAD_BYTES, Connection, Joining
from tests.waiting import PATIENCE_SECONDS, until

REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n"


async def greet(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
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
        REQUEST + header(8 * MOST_HEAD_BYTES),
        REQUEST + header(1000) * (8 * MOST_HEAD_BYTES // 1000),
        b"GET /" + b"x" * 8 * MOST_HEAD_BYTES,
    ],
    ids=["one header", "many headers", "path"],
)
def test_a_head_that_does_not_end_is_refused(port: int, head: bytes) -> None:
    with connected(port) as client:
        client.sendall(head[: MOST_HEAD_BYTES // 2])
        time.sleep(0.05)
        try:
            client.sendall(head[MOST_HEAD_BYTES // 2 :])
            assert answer(client).startswith(b"HTTP/1.1 431 ")
        except ConnectionError:
            pass  # closed, with the rest of it still on its way
    with connected(port) as client:
        client.sendall(REQUEST + b"\r\n")
        assert b" 200 " in answer(client)


@pytest.mark.parametrize("sent", [b"", REQUEST, REQUEST + b"\r\n" + REQUEST])
def test_a_head_that_does_not_come_is_not_waited_for(
    port: int, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.2)
    with connected(port) as client:
        client.sendall(sent)
        seen = b""
        while more := client.recv(4096):
            seen += more
    assert seen.count(b" 200 ") == sent.count(b"\r\n\r\n")


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
