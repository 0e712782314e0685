"""The service as a client meets it: a bento, started, asked over HTTP."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import numpy as np
import psutil
import pyarrow.parquet as pq
import pytest

from pipelines.packaging.server import Server, running
from pipelines.serving.policy import ServingPolicy
from pipelines.signature import GOLDEN_ANSWER, GOLDEN_FILE
from tests.packaged import Packaged

JSON = {"Content-Type": "application/json"}
ROW: dict[str, Any] = {
    "distance": 3.5,
    "departure_hour": 7,
    "wind_speed": None,
    "carrier": "Zürich",
    "origin": None,
}


@pytest.fixture(scope="module")
def server(packaged: Packaged, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    # The server's working folder: nothing of it may be imported in place of the bento's code.
    (folder / "pipelines").mkdir()
    (folder / "pipelines" / "__init__.py").write_text("raise RuntimeError('the wrong code')")
    log = folder / "server.log"
    before = {process.pid for process in psutil.process_iter()}
    with running(packaged.tag, packaged.home, 60, log) as started:
        assert started.seconds_to_ready > 0
        ours = [
            process
            for process in psutil.process_iter(["cmdline"])
            if process.pid not in before and packaged.tag.partition(":")[2] in str(process.info)
        ]
        assert len(ours) >= 2  # the arbiter and its worker
        yield started
    _, alive = psutil.wait_procs(ours, timeout=60)
    assert alive == [], "the server must end with all its processes"
    text = log.read_text(encoding="utf-8")
    assert "Traceback" not in text, text[-5000:]


def ask(
    server: Server, body: Any, headers: dict[str, str] = JSON, method: str = "POST"
) -> tuple[int, str, Any]:
    """Status, content type, and content: read as JSON where it is JSON."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=20)
    with closing(connection):
        connection.request(method, "/predict", body, headers)
        response = connection.getresponse()
        content = response.read()
    kind = response.headers.get("content-type", "")
    return response.status, kind, json.loads(content) if "json" in kind else content


def rows(*changed: dict[str, Any]) -> bytes:
    return json.dumps({"rows": [{**ROW, **change} for change in changed]}).encode()


def test_it_answers_with_model_version_probabilities_and_labels(server: Server) -> None:
    status, kind, answer = ask(server, rows({}, {"distance": 1}))

    assert (status, kind) == (200, "application/json")
    assert (answer["model"], answer["version"]) == ("flights", "v3")
    assert [p > 0.5 for p in answer["probabilities"]] == [bool(x) for x in answer["labels"]]
    assert len(answer["probabilities"]) == 2


def test_many_rows_are_answered_as_training_did(server: Server, packaged: Packaged) -> None:
    golden = pq.read_table(packaged.artifact / GOLDEN_FILE).to_pylist()
    expected = [row.pop(GOLDEN_ANSWER) for row in golden]
    _, _, answer = ask(server, rows(*golden))

    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"distance": "12"}, "distance"),
        ({"distance": [1]}, "distance"),
        ({"distance": 2**60}, "distance"),
        ({"distance": 10**400}, "distance"),
        ({"carrier": 3}, "carrier"),
        ({"carrier": "\ud800"}, "carrier"),
        ({"carier": "UA"}, "carier"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(
    server: Server, change: dict[str, Any], column: str
) -> None:
    status, kind, problem = ask(server, rows({}, change))

    assert (status, kind) == (422, "application/problem+json")
    assert (problem["row"], problem["column"]) == (1, column)
    assert problem["next_step"]


def test_a_number_too_large_for_a_float_is_refused(server: Server) -> None:
    body = rows({"distance": 0.5}).replace(b"0.5", b"1e999")
    status, _, problem = ask(server, body)

    assert (status, problem["row"], problem["column"]) == (422, 0, "distance")


def test_a_head_of_a_megabyte_is_refused(server: Server) -> None:
    """BentoML starts Uvicorn with our kind of connections."""
    with socket.create_connection((server.host, server.port), timeout=60) as client:
        client.sendall(b"GET /livez HTTP/1.1\r\na: " + b"x" * 70_000)
        assert client.recv(4096).startswith(b"HTTP/1.1 431 ")


def test_a_missing_column_is_named(server: Server) -> None:
    row = {name: value for name, value in ROW.items() if name != "origin"}
    status, _, problem = ask(server, json.dumps({"rows": [row]}))

    assert (status, problem["row"], problem["column"]) == (422, 0, "origin")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"not json", 400),
        (b'{"rows": [{"distance": NaN}]}', 400),
        (b"[" * 100_000, 400),
        (b'{"rows": []}', 422),
        (b'{"rows": [1]}', 422),
        (b'{"row": []}', 422),
        (json.dumps({"rows": [{}] * (ServingPolicy().max_rows + 1)}).encode(), 413),
        (b"x" * (ServingPolicy().max_body_bytes + 1), 413),
    ],
)
def test_a_body_that_cannot_be_used_is_a_problem(server: Server, body: bytes, status: int) -> None:
    seen, kind, problem = ask(server, body)

    assert (seen, kind, problem["status"]) == (status, "application/problem+json", status)


def test_a_body_of_unknown_length_is_limited_too(server: Server) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(ServingPolicy().max_body_bytes // 65536 + 2):
            yield b"x" * 65536

    assert ask(server, chunks())[0] == 413
    assert ask(server, rows({}))[0] == 200


@pytest.mark.parametrize(
    "kind", ["text/csv", "application/vnd.bentoml+pickle", "multipart/form-data"]
)
def test_other_content_types_are_refused(server: Server, kind: str) -> None:
    assert ask(server, rows({}), {"Content-Type": kind})[0] == 415


def test_json_with_a_charset_is_taken(server: Server) -> None:
    assert ask(server, rows({}), {"Content-Type": "Application/JSON; charset=utf-8"})[0] == 200


def test_only_post_is_taken(server: Server) -> None:
    assert ask(server, None, {}, "GET")[0] == 405


def test_clients_side_by_side_get_their_own_answers(server: Server) -> None:
    bodies = [rows({"distance": float(index)}) for index in range(40)]
    one_by_one = [ask(server, body)[2]["probabilities"] for body in bodies]
    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(lambda body: ask(server, body)[2]["probabilities"], bodies))

    assert together == one_by_one
    assert len({str(answer) for answer in together}) > 5
