"""A kubeconfig is read as kubectl reads it, or refused with what to do."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from pipelines.errors import ClusterError
from pipelines.kubernetes import kubeconfig

CA = trustme.CA()
PEM = CA.cert_pem.bytes()
CLIENT = CA.issue_cert("controller@example.org")


def data(content: bytes) -> str:
    return base64.b64encode(content).decode()


def write(folder: Path, cluster: Any = None, user: Any = None, **changes: Any) -> Path:
    trusted = {"server": "https://c.example.org:6443/", "certificate-authority-data": data(PEM)}
    content = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {**trusted, **(cluster or {})}}],
        "users": [{"name": "u", "user": user or {"token": "t"}}],
        **changes,
    }
    path = folder / "config"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def test_a_context_with_a_token(tmp_path: Path) -> None:
    found = kubeconfig.access(write(tmp_path))
    assert (found.server, found.namespace) == ("https://c.example.org:6443", "default")
    assert found.headers() == {"authorization": "Bearer t"}
    assert found.tls.check_hostname


def test_files_are_relative_to_the_kubeconfig_and_a_token_is_read_anew(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(PEM)
    (tmp_path / "token").write_text("first\n", encoding="utf-8")
    cluster = {"certificate-authority-data": None, "certificate-authority": "ca.pem"}
    found = kubeconfig.access(write(tmp_path, cluster, {"tokenFile": "token"}))
    assert found.headers() == {"authorization": "Bearer first"}
    (tmp_path / "token").write_text("second\n", encoding="utf-8")
    assert found.headers() == {"authorization": "Bearer second"}
    (tmp_path / "token").unlink()
    with pytest.raises(ClusterError, match="the token cannot be read"):
        found.headers()


def test_a_client_certificate_is_taken_up(tmp_path: Path) -> None:
    user = {
        "client-certificate-data": data(CLIENT.cert_chain_pems[0].bytes()),
        "client-key-data": data(CLIENT.private_key_pem.bytes()),
    }
    assert kubeconfig.access(write(tmp_path, user=user)).headers() == {}
    other = trustme.CA().issue_cert("somebody@example.org").private_key_pem.bytes()
    with pytest.raises(ClusterError, match="do not fit"):
        kubeconfig.access(write(tmp_path, user={**user, "client-key-data": data(other)}))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"current-context": ""}, "no current context"),
        ({"current-context": "gone"}, "contexts holds no 'gone'"),
        ({"users": []}, "users holds no 'u'"),
        ({"cluster": {"server": "http://c.example.org"}}, "is no https address"),
        ({"cluster": {"insecure-skip-tls-verify": True}}, "stand in for this cluster"),
        ({"cluster": {"certificate-authority-data": None}}, "no certificate authority"),
        ({"cluster": {"certificate-authority-data": "%"}}, "not base64"),
        ({"cluster": {"certificate-authority-data": data(b"x")}}, "no certificate of an authority"),
        ({"user": {"exec": {"command": "aws"}}}, "logs in by exec"),
        ({"user": {"username": "a", "password": "b"}}, "logs in by username"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, changes: Any, why: str) -> None:
    path = write(tmp_path, **changes)
    with pytest.raises(ClusterError, match=why) as caught:
        kubeconfig.access(path)
    assert str(path) in caught.value.where
    assert caught.value.next_step


@pytest.mark.parametrize("text", ["a: [", "a string", ""])
def test_a_file_that_is_no_kubeconfig(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ClusterError, match=r"is not YAML|is no kubeconfig"):
        kubeconfig.access(path)


def test_a_file_that_is_missing_and_files_that_are_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'a'}:{tmp_path / 'b'}")
    with pytest.raises(ClusterError, match="not merged"):
        kubeconfig.access(kubeconfig.path())
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "a"))
    with pytest.raises(ClusterError, match="the kubeconfig cannot be read"):
        kubeconfig.access(kubeconfig.path())
    monkeypatch.delenv("KUBECONFIG")
    assert kubeconfig.path() == Path.home() / ".kube" / "config"
