"""The access that every pod has."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import ClusterError
from pipelines.kubernetes import access
from pipelines.kubernetes.client import Cluster
from pipelines.kubernetes.kinds import SERVICE
from tests.kubernetes.api_server import TOKEN, Serving
from tests.kubernetes.cluster import NAMESPACE


@pytest.fixture
def mount(tmp_path: Path) -> Path:
    folder = tmp_path / "serviceaccount"
    folder.mkdir()
    (folder / "namespace").write_text(NAMESPACE, encoding="utf-8")
    (folder / "token").write_text(TOKEN, encoding="utf-8")
    return folder


def test_a_pod_asks_with_its_own_token(
    served: Serving, mount: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (mount / "ca.crt").write_bytes(served.certificate)
    host, _, port = served.url.removeprefix("https://").partition(":")
    assert not access.is_in_cluster()
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
    monkeypatch.setattr(access.in_cluster, "__defaults__", (mount,))
    assert access.is_in_cluster()
    with Cluster.found() as cluster:
        assert cluster.namespace == NAMESPACE
        assert cluster.controlled(SERVICE) == []
    with Cluster.found("other") as cluster:
        assert cluster.namespace == "other"


def test_an_address_of_version_six(mount: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import trustme

    (mount / "ca.crt").write_bytes(trustme.CA().cert_pem.bytes())
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.delenv("KUBERNETES_SERVICE_PORT", raising=False)
    assert access.in_cluster(mount).server == "https://[fd00::1]:443"


def test_a_pod_without_a_token_is_told_why(mount: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    with pytest.raises(ClusterError, match="certificate cannot be read") as caught:
        access.in_cluster(mount)
    assert "automountServiceAccountToken" in caught.value.next_step
