"""The client against a real HTTPS server: applying, conflicts, pages, and all that is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import ClusterError
from pipelines.kubernetes import client as client_module
from pipelines.kubernetes.client import Cluster as Client
from pipelines.kubernetes.kinds import ACCOUNT, GRPC_ROUTE, HTTP_ROUTE, SERVICE
from pipelines.kubernetes.kubeconfig import access
from pipelines.kubernetes.refusals import ConflictError
from tests.kubernetes import project
from tests.kubernetes.api_server import Serving
from tests.kubernetes.cluster import Cluster


def service(name: str = "flights-v3", **ports: Any) -> dict[str, Any]:
    labels = {"evergreen/controlled": "true"}
    port = {"name": "http", "port": 80, **ports}
    spec = {"selector": {"app": name}, "ports": [port]}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "labels": labels},
        "spec": spec,
    }


def account(name: str = "flights-v3", **annotations: str) -> dict[str, Any]:
    metadata = {
        "name": name,
        "labels": {"evergreen/controlled": "true"},
        "annotations": annotations,
    }
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}


def test_an_apply_makes_changes_and_repeats(client: Client) -> None:
    first = client.apply(service())
    again = client.apply(service())
    assert first["metadata"]["resourceVersion"] == again["metadata"]["resourceVersion"]
    changed = client.apply(service(port=81))
    assert changed["spec"]["ports"] == [{"name": "http", "port": 81}]
    assert client.get(SERVICE, "flights-v3") == changed
    assert client.get(SERVICE, "gone") is None


def test_fields_of_others_stay_and_own_ones_that_are_dropped_go(
    client: Client, cluster: Cluster
) -> None:
    client.apply(account(mine="1", shared="1"))
    cluster.apply(
        ("serviceaccounts", "flights-v3"),
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "flights-v3", "annotations": {"theirs": "2"}},
        },
        "somebody",
    )
    left = client.apply(account(shared="1"))
    assert left["metadata"]["annotations"] == {"shared": "1", "theirs": "2"}


def test_an_apply_on_what_changed_since_is_a_conflict(client: Client) -> None:
    read = client.apply(service())
    client.apply(service(port=81))
    with pytest.raises(ConflictError, match="409 Conflict: the object has been modified"):
        client.apply(service(port=82), read["metadata"]["resourceVersion"])
    with pytest.raises(ConflictError):
        client.apply(service("another"), "1")


def test_a_mark_and_a_removal_are_of_what_was_read(client: Client, cluster: Cluster) -> None:
    read = client.apply(account())
    marked = client.annotate(read, {"evergreen/needed": "5"})
    with pytest.raises(ConflictError):
        client.annotate(read, {"evergreen/needed": "6"})
    with pytest.raises(ConflictError):
        client.delete(read)
    client.delete(marked)
    client.delete(marked)
    assert cluster.names("serviceaccounts") == []


def test_what_was_made_anew_under_the_name_is_not_removed(client: Client) -> None:
    first = client.apply(account())
    client.delete(first)
    client.apply(account())
    with pytest.raises(ConflictError):
        client.delete(first)
    assert client.get(ACCOUNT, "flights-v3") is not None


def test_all_pages_are_read(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "_PAGE", 2)
    names = [f"flights-v{number}" for number in range(5)]
    for name in names:
        client.apply(service(name))
    found = client.controlled(SERVICE)
    assert [each["metadata"]["name"] for each in found] == names
    assert {each["kind"] for each in found} == {"Service"}


def test_what_is_not_the_controllers_is_not_listed(client: Client) -> None:
    other = service("by-a-person")
    other["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "evergreen"}
    client.apply(other)
    assert client.controlled(SERVICE) == []


def test_a_field_that_does_not_fit_is_named(client: Client) -> None:
    with pytest.raises(ClusterError) as caught:
        client.apply(service(prot="TCP"))
    assert caught.value.where.startswith("apply Service evergreen/flights-v3 (https://127.0.0.1:")
    assert "422 Invalid: spec.ports" in caught.value.problem
    assert "prot" in caught.value.problem


def test_a_kind_that_is_not_installed(client: Client, cluster: Cluster) -> None:
    cluster.without = {"httproutes", "grpcroutes"}
    for kind in (HTTP_ROUTE, GRPC_ROUTE):
        with pytest.raises(ClusterError, match="404: 404 page not found") as caught:
            client.controlled(kind)
        assert "install the Gateway API" in caught.value.next_step
        # It must not pass for an object that is not there.
        with pytest.raises(ClusterError, match="404"):
            client.get(kind, "flights")


def test_a_role_that_lacks_something(served: Serving, tmp_path: Path) -> None:
    with (
        Client(access(tmp_path / "kubeconfig"), "kube-system") as elsewhere,
        pytest.raises(ClusterError, match='403 Forbidden: User "evergreen" cannot list') as caught,
    ):
        elsewhere.controlled(SERVICE)
    assert "rbac.yaml" in caught.value.next_step


def test_a_token_that_is_not_known(served: Serving, tmp_path: Path) -> None:
    path = tmp_path / "other"
    project.write_kubeconfig(path, served, token="stale")
    with Client(access(path)) as found, pytest.raises(ClusterError, match="401") as caught:
        found.controlled(SERVICE)
    assert "log in" in caught.value.next_step


@pytest.mark.parametrize(
    ("status", "next_step"),
    [(413, "larger"), (400, "does not fit"), (500, "control plane"), (504, "control plane")],
)
def test_other_refusals_say_what_to_do(client, cluster, status, next_step) -> None:
    cluster.answers["GET services"] = [status]
    with pytest.raises(ClusterError, match=f"{status} Planned: as the test wants it") as caught:
        client.controlled(SERVICE)
    assert next_step in caught.value.next_step


@pytest.mark.parametrize("status", [429, 503])
def test_an_api_that_is_busy_for_a_moment_is_asked_again(client, cluster, status) -> None:
    cluster.answers["GET services"] = [status, status]
    assert client.controlled(SERVICE) == []
    cluster.answers["GET services"] = [status] * 3
    with pytest.raises(ClusterError, match=str(status)):
        client.controlled(SERVICE)


def test_an_api_that_hangs(client, cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.slow_seconds = 2.0
    client._http.timeout = 0.2
    with pytest.raises(ClusterError, match="does not answer in time") as caught:
        client.controlled(SERVICE)
    assert "nothing is applied twice" in caught.value.next_step
    cluster.slow_seconds = 0.0


def test_an_api_that_is_not_there(tmp_path: Path) -> None:
    import trustme

    gone = Serving("https://127.0.0.1:9", trustme.CA().cert_pem.bytes())
    project.write_kubeconfig(tmp_path / "gone", gone)
    with Client(access(tmp_path / "gone")) as found, pytest.raises(ClusterError) as caught:
        found.controlled(SERVICE)
    assert "does not answer" in caught.value.problem


def test_a_server_that_nobody_vouches_for(served: Serving, tmp_path: Path) -> None:
    import trustme

    impostor = Serving(served.url, trustme.CA().cert_pem.bytes())
    project.write_kubeconfig(tmp_path / "impostor", impostor)
    with Client(access(tmp_path / "impostor")) as found, pytest.raises(ClusterError) as caught:
        found.controlled(SERVICE)
    assert "CERTIFICATE_VERIFY_FAILED" in caught.value.problem
