"""The client against servers that misbehave: each fault is named, none is taken for an answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from pipelines.errors import PackageError
from pipelines.packaging.client import Client
from pipelines.packaging.server import Server
from pipelines.ports import LOOPBACK, free_port


@contextmanager
def answering(status: int, content: bytes) -> Iterator[Server]:
    """A real HTTP server that answers every POST so; status 0 hangs up instead."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            if status == 0:
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            """Keep the output of the tests clean."""

    with HTTPServer((LOOPBACK, 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield Server(LOOPBACK, server.server_port, 0, 0.0)
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "content", "words"),
    [
        (422, b'{"detail": "row 0"}', 'status 422: {"detail": "row 0"}'),
        (500, b"", "status 500"),
        (200, b"<html>", "not a prediction"),
        (200, b"[1]", "not a prediction"),
        (200, b'{"labels": [1]}', "not a prediction"),
        (0, b"", "no answer"),
    ],
)
def test_what_is_no_answer_is_a_fault(status: int, content: bytes, words: str) -> None:
    with (
        answering(status, content) as server,
        closing(Client(server)) as client,
        pytest.raises(PackageError, match="/predict") as caught,
    ):
        client.scores([{"x": 1.0}])

    assert words in caught.value.problem


def test_a_refusal_is_not_timed_as_an_answer() -> None:
    with (
        answering(429, b"{}") as server,
        closing(Client(server)) as client,
        pytest.raises(PackageError, match="status 429"),
    ):
        client.milliseconds([{"x": 1.0}])


def test_nobody_there_is_a_fault() -> None:
    with (
        closing(Client(Server(LOOPBACK, free_port(), 0, 0.0))) as client,
        pytest.raises(PackageError, match="no answer"),
    ):
        client.predict([{"x": 1.0}])
