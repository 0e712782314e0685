from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.kubernetes.client import Cluster as Client
from pipelines.kubernetes.kubeconfig import access
from tests.kubernetes import api_server, project
from tests.kubernetes.api_server import Serving
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.project import Rollout
from tests.packaged import Packaged, artifact, packaged
from tests.releasing.conftest import made, world
from tests.releasing.world import World

__all__ = ["Packaged", "artifact", "made", "packaged", "world"]


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def served(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serving]:
    """The API server, which the environment leads to by a kubeconfig."""
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with api_server.serving(cluster, tmp_path) as found:
        path = tmp_path / "kubeconfig"
        project.write_kubeconfig(path, found)
        monkeypatch.setenv("KUBECONFIG", str(path))
        yield found


@pytest.fixture
def client(served: Serving, tmp_path: Path) -> Iterator[Client]:
    with Client(access(tmp_path / "kubeconfig")) as found:
        yield found


@pytest.fixture
def rollout(
    world: World, cluster: Cluster, served: Serving, monkeypatch: pytest.MonkeyPatch
) -> Rollout:
    """A project with real versions, whose router is the cluster's, and goes by the same clock."""
    monkeypatch.setattr("pipelines.rollout.clock.read", world.now)
    found = Rollout(world, cluster)
    found.make_deployable()
    found.write_params()
    return found
