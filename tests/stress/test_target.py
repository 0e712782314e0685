"""Where the load goes: nowhere but this machine, unless a person repeats the name."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from pipelines.errors import SettingsError, StressError
from pipelines.ports import LOOPBACK, free_port
from pipelines.stress import DOORS, Target

RIGHT = b'{"model": "flights", "version": "v3", "probabilities": [0.5]}'


@contextmanager
def answering(status: int, content: bytes) -> Iterator[Target]:
    """A real HTTP server that answers every POST so."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
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
            yield Target("http", LOOPBACK, server.server_port)
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://127.0.0.1:3000", Target("http", "127.0.0.1", 3000)),
        ("https://models.example.org/", Target("https", "models.example.org", 443)),
        ("http://[::1]:80", Target("http", "::1", 80)),
    ],
)
def test_an_address_is_read(url: str, target: Target) -> None:
    assert Target.parse(url) == target
    assert Target.parse(target.url) == target


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:3000",
        "ftp://127.0.0.1",
        "http://",
        "http://x:port",
        "http://x:99999",
        "http://x/predict",
        "http://x?a=b",
        "http://user:secret@x",
    ],
)
def test_what_is_no_address_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="not the address of a server"):
        Target.parse(url)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_this_machine_needs_no_leave(host: str) -> None:
    Target("http", host, 80).require_leave(None)


@pytest.mark.parametrize("host", ["10.0.0.1", "example.org", "localhost.example.org", "0.0.0.0"])
def test_another_host_has_to_be_named_twice(host: str) -> None:
    target = Target("http", host, 80)
    for said in (None, "", "127.0.0.1", f"{host}x"):
        with pytest.raises(SettingsError, match="not this machine") as caught:
            target.require_leave(said)
        assert f"--allow-load-on {host}" in caught.value.next_step
    target.require_leave(host)


def require(target: Target, **wanted: Any) -> None:
    target.require(
        DOORS["predict"],
        b'{"rows": [{"x": 1.0}]}',
        **{"model": "flights", "version": "v3", **wanted},
    )


def test_the_version_that_was_asked_for_is_taken() -> None:
    with answering(200, RIGHT) as target:
        require(target)


@pytest.mark.parametrize("wanted", [{"version": "v4"}, {"model": "digits"}])
def test_another_version_is_not_put_under_load(wanted: dict[str, str]) -> None:
    with (
        answering(200, RIGHT) as target,
        pytest.raises(StressError, match=r"serves flights@v3, not") as caught,
    ):
        require(target, **wanted)
    assert "evergreen stress flights@v3" in caught.value.next_step


@pytest.mark.parametrize(
    ("status", "content", "words"),
    [(503, b"busy", "status 503"), (200, b"<html>", "JSONDecodeError"), (302, b"", "status 302")],
)
def test_what_does_not_answer_is_named(status: int, content: bytes, words: str) -> None:
    with answering(status, content) as target, pytest.raises(StressError) as caught:
        require(target)
    assert words in caught.value.problem
    assert str(target.port) in caught.value.where


def test_nobody_there_is_a_fault() -> None:
    with pytest.raises(StressError, match="does not answer") as caught:
        require(Target("http", LOOPBACK, free_port()))
    assert caught.value.exit_code == 3
