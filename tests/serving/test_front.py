"""The front of a server: first of all, bounded, and never a traceback."""

from __future__ import annotations

import gc
import logging
import re
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from pipelines.errors import RequestError
from pipelines.serving import service
from pipelines.serving.answering import Answering
from pipelines.serving.asgi import Message, Receive, Send
from pipelines.serving.front import _First
from pipelines.serving.problems import refused
from pipelines.serving.served import ServedModel
from tests.serving import graphs
from tests.waiting import until


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


def test_the_page_loads_nothing_from_elsewhere(client: TestClient) -> None:
    page = client.get("/")

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"].startswith("default-src 'self';")
    found = re.findall(r'(?:src|href)="([^"]*)"', page.text)
    assert len(found) == 4
    for each in found:
        assert each.startswith("./static_content/")
        assert client.get(each).status_code == 200


def test_a_refusal_of_predict_says_when_to_ask_again(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(answering: Answering, *args: object) -> None:
        raise refused("full", "server", "try again", 503)

    monkeypatch.setattr(Answering, "answer", full)
    answer = client.post("/predict", json={"rows": []})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


@pytest.mark.parametrize("path", ["/predict", "/v2/models/flights/infer"])
def test_nothing_of_a_refusal_stays(
    client: TestClient, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[weakref.ref[RequestError]] = []

    class FullError(RequestError):
        def __init__(self) -> None:
            super().__init__("full", where="server", next_step="try again", status=503)
            seen.append(weakref.ref(self))

    async def refuse(answering: Answering, *args: object) -> None:
        raise FullError

    monkeypatch.setattr(Answering, "answer", refuse)
    gc.disable()
    try:
        assert client.post(path, content=b"{}").status_code == 503
        until(lambda: seen[0]() is None, seconds=10)
    finally:
        gc.enable()


@pytest.mark.parametrize("path", ["/predict", "/feedback", "/v2/models/flights/infer"])
@pytest.mark.parametrize("declared", ["application/vnd.bentoml+pickle", "text/plain"])
def test_no_door_takes_what_is_not_json(client: TestClient, path: str, declared: str) -> None:
    answer = client.post(path, content=b"{}", headers={"content-type": declared})

    assert answer.status_code == 415
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-model-version"]
    assert answer.headers["x-request-id"]


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
