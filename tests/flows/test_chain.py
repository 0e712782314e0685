"""A chain of real models behind the real gateway: its doors, its scope, and its parts' moves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import yaml

from pipelines.golden import read as read_golden
from pipelines.golden import rows as golden_rows
from pipelines.packaging import build
from pipelines.ports import free_ports
from pipelines.serving.inference_protocol.generated import open_inference_pb2 as pb
from pipelines.signature import Signature
from pipelines.stack import applied
from pipelines.stack.starting import down
from pipelines.state import ledger
from pipelines.state.ledger import PROMOTED, ROLLED_BACK, Promotion
from tests.packaged import LABELS
from tests.small import SCHEMA, table, tasked, trained
from tests.throwaway import Project, make_project, settings
from tests.waiting import until

LEAVES, MINUTES, TRIP = "leaves", "minutes", "trip"
SMALL = {"bootstrap_rounds": 50, "importance_rows": 100, "slices": []}
READY = "/inference.GRPCInferenceService/ModelReady"


def promote(project: Project, model: str, number: str, artifact: Path, action: str) -> None:
    """Have a version live, with a real bento of it."""
    tag = build(artifact, LABELS, number, project.home)
    if f"{model}@{number}.0.0" not in project.git("tag").split():
        project.git("tag", "-a", f"{model}@{number}.0.0", "-m", number)
    before = len(ledger.history(project.engine, model))
    ledger.promote(
        project.engine,
        Promotion(
            *(model, f"{model}@{number}", "a" * 40, "a person", "a test", {"bento": tag}),
            *(f"{model} {before}", action),
        ),
    )


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """The model folder of who decides."""
    (tmp_path / "first").mkdir()
    return _called(LEAVES, trained(tmp_path / "first", evaluate=SMALL)[0].artifact)


def _called(model: str, artifact: Path) -> Path:
    """The model folder, under the name by which its server is asked."""
    replace(Signature.read(artifact), model=model).write(artifact)
    return artifact


@pytest.fixture
def project(tmp_path: Path, first: Path) -> Iterator[Project]:
    """Two live models and a chain of them."""
    project = make_project(tmp_path / "p", models=(LEAVES,))
    port, tokens, metrics = free_ports(3)
    patient = {"fleet": {"start_seconds": 300}}
    content = {
        "models": {name: {**settings(LEAVES), **patient} for name in (LEAVES, MINUTES)},
        "chain": {TRIP: {"first": LEAVES, "then": MINUTES, **patient}},
        "gateway": {"port": port, "metrics_port": metrics},
        "identity": {"port": tokens},
    }
    (project.root / "params.yaml").write_text(yaml.safe_dump(content))
    (tmp_path / "then").mkdir()
    frame, schema = tasked(table(), "regression")
    family = {"family": "hist_gradient_boosting"}
    params = {"max_iter": 20}
    then, _ = trained(tmp_path / "then", frame, schema, params=params, train=family, evaluate=SMALL)
    promote(project, LEAVES, "v1", first, PROMOTED)
    promote(project, MINUTES, "v1", _called(MINUTES, then.artifact), PROMOTED)
    yield project
    down(project.root)


def said(project: Project, *arguments: str) -> dict[str, Any]:
    done = project.evergreen(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def bearer(project: Project, client: str, scope: str) -> dict[str, str]:
    said(project, "client", "add", client, "--scope", scope)
    return {"authorization": f"Bearer {said(project, 'token', client)['access_token']}"}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_door_of_a_chain_and_its_parts_moves(project: Project, first: Path) -> None:
    up = said(project, "up")
    assert set(up["ready"]) == {"leaves@v1", "minutes@v1", "trip@v1.v1"}
    mine, other = (
        bearer(project, "tripper", "predict:trip"),
        bearer(project, "leaver", "predict:leaves"),
    )
    rows = golden_rows(read_golden(first, SCHEMA).slice(0, 8), SCHEMA)
    authority = project.home.keys / "tls" / "authority.pem"
    with httpx.Client(base_url=up["address"], verify=str(authority), timeout=20) as http:

        def ask(headers: dict[str, str]) -> httpx.Response:
            return http.post("/trip/predict", json={"rows": rows}, headers=headers)

        answer = ask(mine)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert (told["model"], told["version"]) == ("trip", "v1.v1")
        assert len(told["leaves.probability"]) == len(told["minutes.value"]) == len(rows)
        assert ask(other).status_code == 403
        assert http.post("/leaves/predict", json={"rows": rows}, headers=mine).status_code == 403
        about = http.get("/v2/models/trip", headers=mine)
        assert about.json()["versions"] == ["v1.v1"]
        assert _grpc_code(up["address"], authority, mine) is grpc.StatusCode.OK
        assert _grpc_code(up["address"], authority, other) is grpc.StatusCode.PERMISSION_DENIED

        # One part moves: the chain of it is built, started, and only then asked.
        promote(project, LEAVES, "v2", first, PROMOTED)
        seen = set()

        def has_followed() -> bool:
            now = ask(mine)
            assert now.status_code == 200, now.text
            seen.add(now.json()["version"])
            return now.json()["version"] == "v2.v1"

        until(has_followed)
        assert seen == {"v1.v1", "v2.v1"}, "the old one answered meanwhile, and nobody failed"

        promote(project, LEAVES, "v1", first, ROLLED_BACK)
        until(lambda: ask(mine).json()["version"] == "v1.v1")
        until(lambda: applied.read(project.home).champion[TRIP] == "trip@v1.v1")


def _grpc_code(address: str, authority: Path, bearer: dict[str, str]) -> grpc.StatusCode:
    """What the gateway says to `ModelReady` of the chain."""
    trust = grpc.ssl_channel_credentials(authority.read_bytes())
    told = [("x-model", TRIP), *bearer.items()]
    with grpc.secure_channel(address.removeprefix("https://"), trust) as channel:
        ready = channel.unary_unary(
            READY, pb.ModelReadyRequest.SerializeToString, pb.ModelReadyResponse.FromString
        )
        try:
            found = ready(pb.ModelReadyRequest(name=TRIP), metadata=told, timeout=20)
        except grpc.RpcError as error:
            code: grpc.StatusCode = error.code()
            return code
    assert found.ready
    return grpc.StatusCode.OK
