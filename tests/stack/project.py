"""A project whose model servers are quick to start; Supervisor and Envoy are the real ones.

A server is started as in every project, by `python -m flows serve VERSION` in its root. Here that
root holds a `flows` of its own, which answers what a server is asked by the stack and by Envoy.
"""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import yaml

from pipelines.packaging.store import MANIFEST
from pipelines.paths import HomePaths
from pipelines.ports import free_port
from pipelines.rollout import store as rollouts
from pipelines.rollout.state import State
from pipelines.state import ledger, store
from pipelines.state.ledger import PROMOTED, Promotion
from tests.throwaway import REPOSITORY

MODEL = "alpha"

_SERVER = """
import http.server, json, os, pathlib, sys
from concurrent.futures import ThreadPoolExecutor
import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
version, port = sys.argv[2], int(sys.argv[sys.argv.index("--port") + 1])
grpc_port = int(sys.argv[sys.argv.index("--grpc-port") + 1])
model, _, number = version.partition("@")
if pathlib.Path(f"broken-{number}").exists():
    raise SystemExit(f"{version} is broken")
READY = (f"/v2/models/{model}/versions/{number}/ready", "/readyz")

class Door(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        is_busy = self.path in READY and pathlib.Path(f"busy-{number}").exists()
        is_known = self.path in (*READY, "/predict")
        body = json.dumps({"version": number, "pid": os.getpid()}).encode()
        self.send_response(503 if is_busy else 200 if is_known else 404)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, *arguments):
        pass

server = grpc.server(ThreadPoolExecutor(2))
servicer = health.HealthServicer()
health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
servicer.set("", health_pb2.HealthCheckResponse.SERVING)
server.add_insecure_port(f"127.0.0.1:{grpc_port}")
server.start()
http.server.ThreadingHTTPServer(("127.0.0.1", port), Door).serve_forever()
"""


@dataclass(frozen=True)
class Project:
    """A folder with params.yaml, and what can be seen of it from outside."""

    root: Path
    port: int

    @property
    def home(self) -> HomePaths:
        return HomePaths((self.root / ".evergreen").resolve())

    @property
    def engine(self) -> sa.Engine:
        return store.connect(self.home.database)

    def set(self, **fleet: Any) -> None:
        """Change keys of `fleet`."""
        path = self.root / "params.yaml"
        content = yaml.safe_load(path.read_text())
        content["models"][MODEL]["fleet"].update(fleet)
        path.write_text(yaml.safe_dump(content))

    def mark(self, name: str, *, is_there: bool = True) -> None:
        """`broken-v2`: that version ends at its start; `busy-v2`: it never says it is ready."""
        path = self.root / name
        path.touch() if is_there else path.unlink(missing_ok=True)

    def chain(self, name: str, then: str) -> None:
        """Have a second model, and a chain of both."""
        path = self.root / "params.yaml"
        content = yaml.safe_load(path.read_text())
        content["models"][then] = content["models"][MODEL]
        content["chain"] = {name: {"first": MODEL, "then": then}}
        path.write_text(yaml.safe_dump(content))

    def bento(self, number: str, model: str = MODEL) -> str:
        """Have a whole bento of a version, as far as the store of bentos can tell."""
        tag = f"{model}:{number}-0123456789ab"
        folder = self.home.bentoml / "bentos" / model / tag.partition(":")[2]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MANIFEST).write_text("{}")
        return tag

    def promote(self, number: str, action: str = PROMOTED, model: str = MODEL) -> None:
        """Have a version live."""
        evidence = {"bento": self.bento(number, model)}
        count = len(ledger.history(self.engine, model))
        ledger.promote(
            self.engine,
            Promotion(
                *(model, f"{model}@{number}", "a" * 40, "a person", "a test", evidence),
                *(f"{model}-run-{count}", action),
            ),
        )

    def register(self, number: str) -> None:
        """Have a version that was never live, with its bento."""
        from pipelines.state import runs

        run, _ = runs.begin(self.engine, MODEL, "a" * 40, {}, "a test")
        evidence = {"evidence": {"bento": self.bento(number)}}
        runs.finish(
            self.engine, run.id, runs.REGISTERED, version=f"{MODEL}@{number}", verdict=evidence
        )

    def roll_out(self, state: State) -> None:
        """Have a rollout in this state."""
        if rollouts.current(self.engine, MODEL) is None:
            rollouts.open_new(self.engine, state)
            return
        rollouts.save(self.engine, rollouts.claim(self.engine, MODEL), state)

    def ask(self, model: str = MODEL, **headers: str) -> dict[str, Any]:
        """The answer of the gateway; raises URLError, and so HTTPError, for a refusal."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/{model}/predict", b'{"rows": []}', headers
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            return dict(json.loads(response.read()))

    def answers(self, count: int = 20) -> set[str]:
        """The versions that answer so many requests of different sessions."""
        return {self.ask(**{"x-session-id": f"s{i}"})["version"] for i in range(count)}


def make(root: Path) -> Project:
    """A project with one model, none of whose versions was ever live."""
    project = Project(root, free_port())
    (root / "flows").mkdir(parents=True)
    (root / "flows" / "__main__.py").write_text(_SERVER)
    for name in ("pipelines", "deployments"):
        (root / name).symlink_to(REPOSITORY / name)
    (root / "dvc.yaml").write_text("stages: {}\n")
    model = {
        "ingest": {"dataset": "digits", "source": "package:sklearn"},
        "train": {"family": "logistic"},
        "fleet": {"start_seconds": 30},
    }
    content = {
        "models": {MODEL: model},
        "gateway": {"port": project.port, "tls": {"mode": "off"}, "metrics_port": free_port()},
        "identity": {"mode": "off"},
        "dashboard": {"serve": False},
    }
    (root / "params.yaml").write_text(yaml.safe_dump(content))
    return project
