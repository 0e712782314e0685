"""A replay against a server that is away, refuses, and comes back; and one that is killed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from flows import replaying
from flows.identity import add_client
from flows.replaying import Asking, replay, until_of_replay
from flows.views.replaying import show_standing
from pipelines.errors import RequestError, SettingsError, StressError
from pipelines.identity.clients import Client
from pipelines.paths import home
from pipelines.replaying import standing
from pipelines.replaying.standing import Standing
from tests.throwaway import Project, make_project

MARCH = Standing("2024-03", "2024-03", 24.0, 60)
# 28 days of 60 rows each.
REQUESTS = 28


class Server:
    """Keeps what it is sent, and answers with the next of `statuses`, or 200."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        self.statuses: list[int] = []
        self.always, self.unfit = 200, False
        outer = self

        class Door(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.seen.append((self.path, body, dict(self.headers)))
                self.send_response(outer.status(self.path))
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *arguments: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/alpha"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def status(self, path: str) -> int:
        if self.unfit:
            return 422 if "predict" in path else 200
        return self.statuses.pop(0) if self.statuses else self.always

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def ids(self, door: str) -> list[str]:
        if door == "predict":
            return [headers["x-request-id"] for path, _, headers in self.seen if "predict" in path]
        told = [body["labels"][0] for path, body, _ in self.seen if "feedback" in path]
        return [label["request_id"] for label in told]


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("replay") / "p", models=("alpha",))


@pytest.fixture
def project(made: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.delenv("EVERGREEN_HOME", raising=False)
    monkeypatch.chdir(made.root)
    home(made.root).replay("alpha").unlink(missing_ok=True)
    path = made.root / "params.yaml"
    if "identity" not in path.read_text():
        path.write_text(path.read_text() + "identity: {mode: 'off'}\n")
    monkeypatch.setattr("pipelines.replaying.sending._WAIT_SECONDS", 0.01)
    return made


def sent(project: Project, server: Server, *, again: bool = False) -> Standing:
    asking = Asking(speed=1e9, rate=1e6, url=server.url)
    return replay(project.root, "alpha", MARCH, asking, again=again)


def test_a_month_is_asked_and_told(
    project: Project, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    found = sent(project, server)
    assert (found.asked, found.told, found.refused) == (REQUESTS, REQUESTS, 0)
    asked = server.ids("predict")
    assert asked[0] == "alpha-2024-03-01-00000"
    assert asked == sorted(asked)
    assert server.ids("feedback") == asked
    path, body, headers = server.seen[0]
    assert path == "/alpha/predict"
    assert body["rows"][0].keys() == {"speed", "weight", "kind"}
    assert headers["x-session-id"] == asked[0]
    # A day's labels are known when the next day begins.
    doors = [path.rpartition("/")[2] for path, _, _ in server.seen]
    assert doors == ["predict", "feedback"] * REQUESTS
    capsys.readouterr()
    show_standing("alpha", found, as_json=False)
    assert "28 requests, labels of 28" in capsys.readouterr().out
    show_standing("alpha", found, as_json=True)
    assert json.loads(capsys.readouterr().out)["asked"] == REQUESTS
    # Over is over.
    assert sent(project, server) == found
    assert len(server.seen) == 2 * REQUESTS
    assert sent(project, server, again=True) == found
    assert len(server.seen) == 4 * REQUESTS


def test_a_server_that_is_away_for_a_while_is_waited_for(project: Project, server: Server) -> None:
    server.statuses = [503, 429, 401, 502]
    assert sent(project, server).asked == REQUESTS
    assert server.ids("predict")[:5] == ["alpha-2024-03-01-00000"] * 5


def test_one_that_stays_away_ends_it_and_it_goes_on_from_there(
    project: Project, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.replaying.sending.PATIENCE_SECONDS", 0.05)
    server.statuses, server.always = [200] * 20, 503
    with pytest.raises(StressError, match="goes on from here"):
        sent(project, server)
    reached = standing.read(home(project.root).replay("alpha"))
    assert reached is not None
    assert reached.asked + reached.told == 20
    server.always = 200
    server.seen.clear()
    found = sent(project, server)
    assert (found.asked, found.told) == (REQUESTS, REQUESTS)
    assert len(server.seen) == 2 * REQUESTS - 20


def test_dirty_rows_are_refused_and_counted(project: Project, server: Server) -> None:
    server.statuses = [422, 200, 200]
    assert sent(project, server).refused == 1


def test_refusals_of_everything_end_it(project: Project, server: Server) -> None:
    server.always = 403
    with pytest.raises(RequestError, match="403"):
        sent(project, server)
    server.unfit = True
    with pytest.raises(SettingsError, match="first 20 requests"):
        sent(project, server)


def test_another_replay_is_not_mixed_in(project: Project, server: Server) -> None:
    sent(project, server)
    other = replace(MARCH, last="2024-04")
    asking = Asking(1e9, 1e6, server.url)
    with pytest.raises(SettingsError, match="--again"):
        replay(project.root, "alpha", other, asking, again=False)


def test_a_retrain_sees_what_is_over_in_the_replay(project: Project) -> None:
    path = home(project.root).replay("alpha")
    assert until_of_replay(project.root, "alpha") is None
    standing.write(replace(MARCH, at="2024-04-01T12:00:00"), path)
    assert until_of_replay(project.root, "alpha") is None
    standing.write(replace(MARCH, at="2024-04-02T00:00:00"), path)
    assert until_of_replay(project.root, "alpha") == {"ingest.until": "2024-03"}


def test_a_token_is_asked_for_where_one_is_needed(
    project: Project, server: Server, tmp_path: Path
) -> None:
    path = project.root / "params.yaml"
    before = path.read_text()
    try:
        path.write_text(before.replace("mode: 'off'", "mode: jwt"))
        with pytest.raises(SettingsError, match="client add"):
            sent(project, server)
        add_client(project.root, Client("replay", ("predict:alpha", "feedback"), "standard", ""))
        asking = Asking(1e9, 1e6, server.url, "replay")
        assert replay(project.root, "alpha", MARCH, asking, again=False).asked == REQUESTS
        shown = {headers["authorization"] for _, _, headers in server.seen}
        # One token for all, as long as it is good.
        assert len(shown) == 1
        assert shown.pop().startswith("Bearer ey")
    finally:
        path.write_text(before)


def test_the_rate_is_a_bound() -> None:
    pace = replaying._Pace(Asking(speed=1e9, rate=100))
    import time
    from datetime import datetime

    started = time.monotonic()
    for _ in range(11):
        pace.wait(datetime(2024, 3, 1))
    assert time.monotonic() - started >= 0.1
