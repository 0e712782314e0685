"""`gateway.router` chooses what applies a decision; nobody else asks which it is."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from flows import routers
from flows.releasing import Desk, LocalRouter
from pipelines.kubernetes.router import KubernetesRouter
from pipelines.paths import HOME
from tests.releasing.world import MODEL, git, write_params


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(HOME, str(tmp_path / "home"))
    monkeypatch.delenv("EVERGREEN_DATABASE_URL", raising=False)
    git(tmp_path, "init", "--quiet")
    identity = ("-c", "user.name=A Person", "-c", "user.email=person@example.org")
    git(tmp_path, *identity, "commit", "--quiet", "--allow-empty", "--message", "First")
    write_params(tmp_path)
    return tmp_path


def choose(root: Path, router: str) -> None:
    path = root / "params.yaml"
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**params, "gateway": {"router": router}}), encoding="utf-8")


def test_this_machine_needs_no_cluster(root: Path) -> None:
    assert routers.of_cluster(root) is None
    assert Desk.at(root, MODEL).router == LocalRouter(root)


def test_a_cluster_is_chosen_in_params(root: Path) -> None:
    choose(root, "kubernetes")
    assert Desk.at(root, MODEL).router == KubernetesRouter(root)
