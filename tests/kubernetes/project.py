"""A project whose rollout goes through a cluster: its params, its bentos, its ticks."""

from __future__ import annotations

import base64
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pipelines.kubernetes.router import KubernetesRouter
from pipelines.packaging import store as bento_store
from pipelines.packaging.content import MODEL_FOLDER
from pipelines.releasing.beginning import begin
from pipelines.releasing.router import Router
from pipelines.releasing.ticking import Ticked, tick
from pipelines.rollout import store
from pipelines.rollout.state import Phase, State
from pipelines.serving.policy import ServingPolicy
from pipelines.serving.release import Release
from tests.architecture.source import ROOT
from tests.kubernetes.api_server import TOKEN, Serving
from tests.kubernetes.cluster import NAMESPACE, Cluster
from tests.model_folder import make_model_folder
from tests.packaged import LABELS
from tests.releasing import world as worlds
from tests.releasing.world import MODEL, World

QUICK = {
    "minimum_pairs": 100,
    "minimum_requests": 100,
    "shadow_margin": 0.2,
    "alpha_promote": 0.2,
    "bad_rate": {"errors": 0.1, "timeouts": 0.1, "invalid": 0.1, "latency": 0.5},
}
KUBERNETES = {
    "gateway": "infra/public",
    "hostname": "models.example.org",
    "grpc_hostname": "grpc.models.example.org",
    "registry": "registry.example.org/models",
    "overrides": True,
    "accept_seconds": 5,
}
# Of flights@v1 and flights@v2.
STABLE, CANARY = "flights-v1", "flights-v2"


def write_kubeconfig(path: Path, served: Serving, **user: Any) -> None:
    """A kubeconfig with one context, as `kubectl config view --flatten` writes it."""
    authority = base64.b64encode(served.certificate).decode()
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [
            {"name": "there", "context": {"cluster": "other", "user": "nobody"}},
            {"name": "here", "context": {"cluster": "c", "user": "u", "namespace": NAMESPACE}},
        ],
        "clusters": [
            {
                "name": "c",
                "cluster": {"server": served.url, "certificate-authority-data": authority},
            }
        ],
        "users": [{"name": "u", "user": user or {"token": TOKEN}}],
    }
    path.write_text(yaml.safe_dump(content), encoding="utf-8")


@dataclass
class Rollout:
    """A world whose requests go where the routes of the cluster say.

    Attributes:
        world: the project and its traffic.
        cluster: the API server's store.
        weights: the canary's share after each tick, as the cluster has it.
    """

    world: World
    cluster: Cluster
    weights: list[int] = field(default_factory=list)

    @property
    def router(self) -> KubernetesRouter:
        return KubernetesRouter(self.world.root)

    def make_deployable(self) -> None:
        """Give the versions bentos that a Deployment can be made of."""
        shutil.copytree(
            ROOT / "deployments" / "kubernetes", self.world.root / "deployments/kubernetes"
        )
        for number in (1, 2):
            write_bento(bento_store.place(worlds.tag(number), self.world.project.home), number)

    def write_params(self, kubernetes: dict[str, Any] | None = None, **rollout: Any) -> None:
        worlds.write_params(self.world.root, **{**QUICK, **rollout})
        path = self.world.root / "params.yaml"
        params = yaml.safe_load(path.read_text(encoding="utf-8"))
        told = {**KUBERNETES, **(kubernetes or {})}
        params["gateway"] = {"router": "kubernetes", "kubernetes": told}
        path.write_text(yaml.safe_dump(params), encoding="utf-8")

    def begin(self) -> store.Stored:
        return begin(self.world.project, MODEL, None, self.world.sources, self.world.now())

    def tick(self, router: Router | None = None) -> Ticked:
        world = self.world
        found = tick(world.project, MODEL, router or self.router, world.sources, world.now)
        self.weights.append(self.canary())
        return found

    def canary(self) -> int:
        """The canary's percent of the requests by the routes there are."""
        return self.cluster.weights().get(CANARY, 0)

    def serve(self, seconds: int, **traffic: Any) -> None:
        """Requests that go where the cluster's routes send them."""
        [rule, *_] = self.cluster.get("httproutes", MODEL)["spec"]["rules"]
        kinds = {each["type"] for each in rule["filters"]}
        by_version = {version_of(name): w for name, w in self.cluster.weights().items()}
        self.world.router.routed.append(by_version)
        mirror = worlds.CHALLENGER if "RequestMirror" in kinds else None
        self.world.router.mirrors.append(mirror)
        self.world.serve(seconds, **traffic)

    def drive(self, looks: int = 60, **traffic: Any) -> list[Phase]:
        """Ticks with traffic in between, until the rollout is over."""
        phases = [self.tick().state.phase]
        for _ in range(looks):
            if phases[-1].is_final:
                break
            self.serve(10, **traffic)
            phases.append(self.tick().state.phase)
        return phases

    def final(self) -> State:
        newest = store.latest(self.world.project.engine, MODEL)
        assert newest is not None
        return newest.state


def version_of(service: str) -> str:
    model, _, number = service.rpartition("-")
    return f"{model}@{number}"


def write_bento(folder: Path, number: int) -> None:
    """What a Deployment is made of, in the layout of a bento; nothing is started from it."""
    shutil.rmtree(folder, ignore_errors=True)
    model = folder / bento_store.SOURCE_FOLDER / MODEL_FOLDER
    make_model_folder(model, rows=400, seed=worlds.SEEDS[number])
    Release(f"v{number}", {**asdict(LABELS), "model_sha256": "e" * 64}).write(model)
    ServingPolicy().write(model)
    name, _, version = worlds.tag(number).partition(":")
    told = {"name": name, "version": version, "image": {"python_version": "3.11"}}
    (folder / "bento.yaml").write_text(yaml.safe_dump(told), encoding="utf-8")
    bento_store.write_manifest(folder)
