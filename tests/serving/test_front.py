"""The front of a server: first of all, bounded, and never a traceback."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from pipelines.errors import CellError
from pipelines.serving import service
from pipelines.serving.asgi import App, ClientGoneError, Message, Receive, Send
from pipelines.serving.front import Begun, Doors, Front, _First
from pipelines.serving.problems import refused
from pipelines.serving.served import ServedModel
from tests.serving import graphs
from tests.serving.doors import ask


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The whole service in this process, as BentoML builds it."""
    monkeypatch.setenv("BENTOML_HOME", str(tmp_path / "bentoml"))
    folder = graphs.make(tmp_path / "model", graphs.TABLE)
    monkeypatch.setattr(service, "MODEL_FOLDER", folder)
    with TestClient(service.Evergreen.to_asgi()) as started:
        yield started


def test_the_front_is_the_outermost(client: TestClient) -> None:
    """Starlette calls what `middleware_stack` holds, which no documentation promises."""
    application: Any = client.app
    seen: list[str] = []
    first = application.middleware_stack
    assert isinstance(first, _First)

    class Noting:
        async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
            seen.append(scope["path"])
            await first(scope, receive, send)

    application.middleware_stack = Noting()
    assert client.get("/v2").status_code == 200
    assert client.get("/livez").status_code == 200
    assert seen == ["/v2", "/livez"]


def test_the_front_stands_before_the_service_only_once(client: TestClient) -> None:
    application: Any = client.app
    behind, count = application.middleware_stack, 0
    while behind is not None:
        count += isinstance(behind, _First)
        behind = getattr(behind, "_app", None) or getattr(behind, "app", None)

    assert count == 1


@pytest.mark.parametrize(
    "path", ["/nowhere", "/predict/", "/predict/more", "/v3", "/v22/x", "/tasks", "/docs"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_what_is_not_there_is_a_problem(client: TestClient, path: str, method: str) -> None:
    answer = client.request(method, path, headers={"x-request-id": "abc"})

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == "abc"
    assert path in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/predict", "POST"),
        ("/livez", "GET, HEAD"),
        ("/readyz", "GET, HEAD"),
        ("/", "GET, HEAD"),
        ("/docs.json", "GET, HEAD"),
        ("/metrics", "GET, HEAD"),
    ],
)
def test_another_method_is_a_problem(client: TestClient, path: str, allowed: str) -> None:
    for method in ("GET" if path == "/predict" else "POST", "PUT", "DELETE", "OPTIONS"):
        answer = client.request(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/vnd.bentoml+pickle"},
        {"content-type": "Application/VND.BentoML+Pickle; x=y"},
        {"content-type": "application/x-python-pickle"},
        {"content-type": "application/json", "content-encoding": "gzip"},
        {"content-type": "text/csv"},
    ],
)
def test_other_contents_are_a_problem_and_leave_no_traceback(
    client: TestClient, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    answer = client.post("/predict", content=b"\x80\x04N.", headers=headers)

    assert answer.status_code == 415
    assert answer.headers["content-type"] == "application/problem+json"
    assert "x-request-id" in answer.headers
    assert not any(record.exc_info for record in caplog.records)


def test_what_the_front_refuses_of_predict_is_counted(client: TestClient) -> None:
    before = refusals(client)
    client.get("/predict")
    client.post("/predict", content=b"", headers={"content-encoding": "gzip"})
    client.get("/nowhere")

    assert refusals(client) == before + 2


def refusals(client: TestClient) -> float:
    [line] = [
        line
        for line in client.get("/metrics").text.splitlines()
        if line.startswith('evergreen_requests_total{door="predict",outcome="refused"')
    ]
    return float(line.rpartition(" ")[2])


INFER = {
    "inputs": [
        {"name": "a", "shape": [1], "datatype": "FP64", "data": [1]},
        {"name": "b", "shape": [1], "datatype": "FP64", "data": [1]},
        {"name": "city", "shape": [1], "datatype": "BYTES", "data": ["Oslo"]},
    ]
}


@pytest.mark.parametrize(
    ("path", "content"),
    [("/predict", {"rows": [graphs.ROW]}), ("/v2/models/flights/infer", INFER)],
)
def test_a_failure_inside_is_a_problem_with_the_request_id(
    client: TestClient,
    path: str,
    content: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert client.post(path, json=content).status_code == 200

    def broken(*_: object) -> None:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr(ServedModel, "answer", broken)
    with caplog.at_level(logging.ERROR):
        answer = client.post(path, json=content, headers={"x-request-id": "abc"})

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == "abc"
    assert "its log has request abc" in answer.json()["detail"]
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert "request abc failed" in caplog.text
    assert "a secret" in caplog.text


def test_labels_do_not_grow_with_what_clients_send(client: TestClient) -> None:
    client.post("/v2/models/flights/infer", json=INFER)
    before = series(client)
    for n in range(20):
        headers = {"x-request-id": f"id-{n}", "user-agent": f"agent {n}", "host": f"host{n}"}
        client.get(f"/nowhere/{n}", headers=headers)
        client.get(f"/v2/models/nobody{n}", headers=headers)
        client.request(f"METHOD{n}", "/predict", headers=headers)
        client.post("/predict", content=str(n), headers={**headers, "content-type": f"a/{n}"})
        client.post("/v2/models/flights/infer", json={**INFER, "id": str(n)}, headers=headers)

    assert series(client) == before


def series(client: TestClient) -> set[str]:
    lines = client.get("/metrics").text.splitlines()
    return {line.rpartition(" ")[0] for line in lines if not line.startswith("#")}


def first(app: App, doors: Doors | None = None) -> App:
    """The front of an application that is not BentoML's."""
    known = doors or Doors()
    known.max_body_bytes, known.timeout_seconds = 10, 1.0
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
