"""Model servers: their names, their command, and whether the right one is ready."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from pipelines.gateway.table import Endpoint
from pipelines.paths import HomePaths
from pipelines.ports import free_port
from pipelines.stack import servers


class _Flights(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        is_mine = self.path == "/v2/models/flights/versions/v3/ready"
        self.send_response(200 if is_mine else 404)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def flights_v3() -> Iterator[Endpoint]:
    server = HTTPServer(("127.0.0.1", 0), _Flights)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Endpoint("127.0.0.1", server.server_port, 1)
    server.shutdown()
    thread.join()
    server.server_close()


def test_who_serves_another_version_is_not_ready(flights_v3: Endpoint) -> None:
    nobody = Endpoint("127.0.0.1", free_port(), 1)
    assert servers.ready([("flights@v3", flights_v3), ("flights@v3", nobody)]) == {flights_v3}
    assert servers.ready([("flights@v2", flights_v3), ("delays@v3", flights_v3)]) == frozenset()
    assert servers.ready([]) == frozenset()


def test_why_a_server_is_not_ready_is_said(flights_v3: Endpoint) -> None:
    assert servers.unready("flights@v3", flights_v3) is None
    assert "404" in str(servers.unready("flights@v2", flights_v3))
    nobody = Endpoint("127.0.0.1", free_port(), 1)
    assert "nothing listens" in str(servers.unready("flights@v3", nobody))


@pytest.mark.parametrize(
    ("status", "why"), [(401, "somebody else"), (503, "being opened"), (500, "no server of ours")]
)
def test_each_answer_to_the_probe_has_its_meaning(status: int, why: str) -> None:
    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Door) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        said = servers.unready("flights@v3", Endpoint("127.0.0.1", server.server_port, 1))
        server.shutdown()
        thread.join()
    assert f"answers {status}" in str(said)
    assert why in str(said)


def test_who_takes_the_connection_and_says_nothing_is_not_ready() -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        said = servers.unready("flights@v3", Endpoint("127.0.0.1", mute.getsockname()[1], 1))
    assert "no answer" in str(said)


def test_programs_are_named_after_their_version_and_back() -> None:
    assert servers.names("flights@v3", 2) == ["flights-v3-0", "flights-v3-1"]
    assert {servers.version_of(name) for name in servers.names("flights@v3", 11)} == {"flights@v3"}


@pytest.mark.parametrize("name", ["gateway", "prefect-worker", "token-endpoint", "flights-v3", ""])
def test_other_programs_serve_no_version(name: str) -> None:
    assert servers.version_of(name) is None


def test_a_server_is_what_a_person_would_start(tmp_path: Path) -> None:
    home = HomePaths(tmp_path / "home")
    told = {"EVERGREEN_JWKS": "keys"}
    program = servers.program(tmp_path, home, "flights-v3-1", (3000, 3001), told)
    assert program.argv[1:] == (
        *("-m", "flows", "serve", "flights@v3"),
        *("--port", "3000", "--grpc-port", "3001"),
    )
    assert program.directory == tmp_path
    assert program.environment == {"EVERGREEN_HOME": str(home.home), **told}


def test_the_book_of_ports_says_where_versions_listen() -> None:
    book = {"flights-v3-1": (3, 4), "flights-v3-0": (1, 2), "prefect-server": (9, 10)}
    first, second = Endpoint("127.0.0.1", 1, 2), Endpoint("127.0.0.1", 3, 4)
    found = servers.listening(book)
    assert found == {"flights@v3": (first, second)}
    assert set(servers.all_of(found, {"flights@v2": (first,)})) == {
        ("flights@v3", first),
        ("flights@v3", second),
        ("flights@v2", first),
    }
