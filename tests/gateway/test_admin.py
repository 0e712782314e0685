"""An admin socket that is strange, or not ours."""

from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.errors import GatewayError
from pipelines.gateway import admin
from pipelines.gateway.admin import Admin, DownError, wait_until
from tests.gateway.gate import Gate


@contextmanager
def answering(path: Path, answer: bytes) -> Iterator[None]:
    """Somebody at a socket, who says this to the first who comes."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(1)

        def once() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        thread = threading.Thread(target=once)
        thread.start()
        yield
        thread.join(60)


@pytest.fixture
def short() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="eg-") as folder:
        yield Path(folder)


def test_nobody_listens(short: Path) -> None:
    with pytest.raises(DownError):
        Admin(short).get("/ready")
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(Admin(short).path))
    with pytest.raises(DownError):
        Admin(short).get("/ready")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\nbusy", "answers /stats with 500: busy"),
        (b"what?\r\n\r\n", "does not answer"),
        (b"", "does not answer"),
    ],
    ids=["error", "no http", "nothing"],
)
def test_an_answer_that_is_none_is_an_error(short: Path, answer: bytes, said: str) -> None:
    known = Admin(short)
    with answering(known.path, answer), pytest.raises(GatewayError) as raised:
        known.get("/stats")
    assert said in raised.value.problem
    assert "evergreen up" in raised.value.next_step


def test_what_envoy_says_of_itself(running: Gate) -> None:
    assert running.admin.statistics("^server.live$") == {"server.live": "1"}
    assert running.admin.taken("routes.json").version
    assert running.admin.taken("routes.json").refusals == 0
    assert running.admin.healthy().get("admin") == 1


def test_a_place_for_sockets_that_is_somebody_elses_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    deep = tmp_path / ("d" * 120)
    private = admin.socket_path(deep, "admin").parent
    private.chmod(0o755)
    with pytest.raises(GatewayError, match="open to others"):
        admin.socket_path(deep, "admin")


def test_waiting_ends() -> None:
    assert wait_until(lambda: True, 0)
    assert not wait_until(lambda: False, 0.01)
