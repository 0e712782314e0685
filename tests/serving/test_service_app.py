"""The service's ASGI application in this process: its start, its routes, its seams."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from pipelines.errors import ModelError
from pipelines.inference.session import ModelSession
from pipelines.packaging import model_folder
from pipelines.serving import service
from pipelines.serving.answering import ROWS_ON_THE_LOOP
from pipelines.serving.policy import ServingPolicy
from pipelines.signature import MODEL_FILE
from tests.model_folder import SCHEMA
from tests.packaged import Packaged

ROW: dict[str, Any] = dict.fromkeys(SCHEMA.features)


@pytest.fixture
def folder(packaged: Packaged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bento's model folder, put where the service looks for its own."""
    monkeypatch.setenv("BENTOML_HOME", str(tmp_path / "bentoml"))
    copy = shutil.copytree(model_folder(packaged.tag, packaged.home), tmp_path / "model")
    monkeypatch.setattr(service, "MODEL_FOLDER", copy)
    return copy


@pytest.fixture
def client(folder: Path) -> Iterator[TestClient]:
    with TestClient(service.Evergreen.to_asgi()) as started:
        yield started


def test_it_is_ready_once_the_model_is_open(client: TestClient) -> None:
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == 200


def test_a_wrong_digest_never_becomes_ready(folder: Path) -> None:
    (folder / MODEL_FILE).write_bytes(b"another graph")

    with pytest.raises(ModelError, match="the digest is"), TestClient(service.Evergreen.to_asgi()):
        pass


def test_the_answer_is_the_sessions(client: TestClient, folder: Path) -> None:
    rows = [{**ROW, "distance": float(index)} for index in range(ROWS_ON_THE_LOOP + 1)]
    many = client.post("/predict", json={"rows": rows}).json()
    one = client.post("/predict", json={"rows": rows[:1]}).json()

    # More rows than the loop may hold go through a thread; the answers are the same.
    assert one["probabilities"] == many["probabilities"][:1]
    assert len(many["labels"]) == len(rows)
    assert ModelSession.open(folder).signature.model == many["model"] == "flights"
    assert many["version"] == "v3"


def test_refusals_are_problems(client: TestClient) -> None:
    wrong = client.post("/predict", json={"rows": [{**ROW, "carrier": 5}]})
    assert (wrong.status_code, wrong.json()["column"]) == (422, "carrier")
    assert wrong.headers["content-type"] == "application/problem+json"
    assert client.post("/predict", content="{").status_code == 400
    kind = {"content-type": "text/plain"}
    assert client.post("/predict", content="{}", headers=kind).status_code == 415


def test_bodies_are_limited(client: TestClient) -> None:
    fits = json.dumps({"rows": [ROW]}).encode().ljust(ServingPolicy().max_body_bytes)

    assert client.post("/predict", content=fits).status_code == 200
    assert client.post("/predict", content=fits + b" ").status_code == 413


def test_what_nobody_made_a_route_for_is_not_found(client: TestClient) -> None:
    for path in ("/nowhere", "/predict/more", "/tasks", "/v3/models"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (
            404,
            "application/problem+json",
        )


def test_no_request_is_traced(client: TestClient) -> None:
    assert "x-bentoml-request-id" not in client.post("/predict", json={"rows": [ROW]}).headers


def test_the_openapi_document_says_what_predict_takes_and_gives(client: TestClient) -> None:
    document = client.get("/docs.json").json()
    text = json.dumps(document)

    assert "/predict" in document["paths"]
    assert "probabilities" in text
