"""Paths, methods and versions of the protocol over HTTP."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pipelines.serving.inference_protocol.rest import RestDoor
from tests.serving import graphs
from tests.serving.doors import answering, ask, rest_door
from tests.serving.inference_protocol.requests import PATH, in_binary, in_json

EXPECTED = graphs.probability(1.5 + 4)


@pytest.fixture
def door(tmp_path: Path) -> RestDoor:
    return rest_door(answering(tmp_path / "model", max_body_megabytes=0.01, max_rows=3))


@pytest.mark.parametrize(
    "path",
    [
        PATH,
        "/v2/models/flights/versions/v3/infer",
        "/v2/models/flights/versions/3/infer",
    ],
)
def test_every_way_to_infer_gives_the_models_answer(door: RestDoor, path: str) -> None:
    answer = ask(door, path, "POST", in_json(), {"X-Request-Id": "abc"})

    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"] == "abc"
    assert answer.headers["x-model-version"] == "v3"
    assert (answer.json["id"], answer.json["model_version"]) == ("7", "v3")
    by_name = {output["name"]: output["data"] for output in answer.json["outputs"]}
    assert by_name["label"] == [1]
    assert by_name["probability"] == pytest.approx([EXPECTED], abs=1e-6)


def test_the_binary_form_is_answered_in_the_binary_form(door: RestDoor) -> None:
    body, headers = in_binary()
    answer = ask(door, PATH, "POST", body, headers)
    length = int(answer.headers["inference-header-content-length"])

    assert answer.headers["content-type"] == "application/octet-stream"
    assert [output["name"] for output in json.loads(answer.body[:length])["outputs"]] == [
        "probability",
        "label",
    ]
    probability, label = answer.body[length : length + 8], answer.body[length + 8 :]
    assert np.frombuffer(probability)[0] == pytest.approx(EXPECTED, abs=1e-6)
    assert label == b"\x01" + b"\0" * 7


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/v2", {"name": "evergreen", "version": "v3", "extensions": ["binary_tensor_data"]}),
        ("/v2/", {"name": "evergreen", "version": "v3", "extensions": ["binary_tensor_data"]}),
        ("/v2/health/live", {"live": True}),
        ("/v2/health/ready", {"ready": True}),
        ("/v2/models/flights/ready", {"ready": True}),
        ("/v2/models/flights/versions/v3/ready", {"ready": True}),
    ],
)
def test_a_server_tells_of_itself(door: RestDoor, path: str, told: object) -> None:
    for method in ("GET", "HEAD"):
        answer = ask(door, path, method)
        assert (answer.status, answer.json) == (200, told)
        assert "x-request-id" in answer.headers


@pytest.mark.parametrize("path", ["/v2/models/flights", "/v2/models/flights/versions/3"])
def test_a_model_tells_of_itself(door: RestDoor, path: str) -> None:
    told = ask(door, path).json

    assert (told["name"], told["versions"]) == ("flights", ["v3"])
    assert [one["name"] for one in told["inputs"]] == ["a", "b", "city"]


@pytest.mark.parametrize(
    "path",
    [
        "/v2/nowhere",
        "/v2/health",
        "/v2/health/live/now",
        "/v2/models",
        "/v2/models/",
        "/v2/models/nobody",
        "/v2/models/nobody/infer",
        "/v2/models/flights/",
        "/v2/models/flights/train",
        "/v2/models/flights/infer/",
        "/v2/models/flights/infer/x",
        "/v2/models/flights/versions",
        "/v2/models/flights/versions/",
        "/v2/models/flights/versions/v2/infer",
        "/v2/models/flights/versions/v3/versions/v3/infer",
        "/v2/repository/index",
        "/v2//models/flights",
        "/v2/" + "x" * 10_000,
        "/v2/models/%00\ud7ff%ff/infer",
    ],
    ids=range(19),
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_path_that_is_none_is_not_found(door: RestDoor, path: str, method: str) -> None:
    answer = ask(door, path, method)

    assert answer.status == 404
    assert answer.problem["next_step"]
    assert len(answer.body) < 1500


@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [
        (PATH, "GET", "POST"),
        (PATH, "HEAD", "POST"),
        (PATH, "PUT", "POST"),
        ("/v2/models/flights", "POST", "GET, HEAD"),
        ("/v2/health/ready", "DELETE", "GET, HEAD"),
        ("/v2", "OPTIONS", "GET, HEAD"),
    ],
)
def test_another_method_is_refused_with_those_that_are_taken(
    door: RestDoor, path: str, method: str, allowed: str
) -> None:
    answer = ask(door, path, method)

    assert (answer.status, answer.headers["allow"]) == (405, allowed)
    assert method in answer.problem["detail"]


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, identity", "x"])
def test_a_compressed_body_is_refused(door: RestDoor, encoding: str) -> None:
    answer = ask(door, PATH, "POST", in_json(), {"Content-Encoding": encoding})

    assert answer.status == 415
    assert "compressed" in answer.problem["detail"]
    assert ask(door, PATH, "POST", in_json(), {"Content-Encoding": "identity"}).status == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"{}", 422),
        (in_json(a="1"), 422),
        (in_json().replace(b"[1, 1]", b"[4, 1]", 1), 413),
        (b" " * 10_001, 413),
    ],
)
def test_a_refusal_is_a_problem_with_the_request_id(
    door: RestDoor, body: bytes, status: int
) -> None:
    answer = ask(door, PATH, "POST", body, {"X-Request-Id": "abc"})

    assert answer.status == status
    assert answer.problem["error"] == answer.problem["detail"]
    assert answer.headers["x-request-id"] == "abc"
    assert answer.headers["x-model-version"] == "v3"


def test_a_server_that_answers_is_live_and_ready(door: RestDoor) -> None:
    for path in ("/v2/health/live", "/v2/health/ready", "/v2/models/flights/ready"):
        assert ask(door, path).status == 200


@pytest.mark.parametrize("declared", ["application/vnd.bentoml+pickle", "text/plain", ""])
def test_a_body_that_is_declared_as_something_else_is_refused(
    door: RestDoor, declared: str
) -> None:
    answer = ask(door, PATH, "POST", in_json(), {"content-type": declared})

    assert answer.status == 415
    assert answer.problem


def test_requests_and_failures_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = answering(tmp_path / "model")
    door = rest_door(one)
    ask(door, PATH, "POST", in_json())
    ask(door, PATH, "POST", b"{")

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(type(one.model), "answer", broken)
    with pytest.raises(ZeroDivisionError):
        ask(door, PATH, "POST", in_json())
    counted = one._meters.exposition().decode()

    for outcome in ("answered", "refused", "failed"):
        assert f'evergreen_requests_total{{door="rest",outcome="{outcome}"}} 1.0' in counted
