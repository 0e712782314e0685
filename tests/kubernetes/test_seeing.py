"""What there is in the cluster, and who of it gets requests."""

from __future__ import annotations

from typing import Any

from pipelines.kubernetes import names
from pipelines.kubernetes.client import Cluster as Client
from pipelines.kubernetes.routes import Marks, routes
from pipelines.kubernetes.seeing import View, look
from pipelines.settings.kubernetes import KubernetesSettings
from tests.kubernetes.tables import SETTINGS, V1, V2, V3, table


def deployment(pods: int, is_available: bool) -> dict[str, Any]:
    told = {"type": "Available", "status": "True" if is_available else "False", "reason": "R"}
    status = {"observedGeneration": 1, "updatedReplicas": 2, "availableReplicas": pods}
    return {"metadata": {"generation": 1}, "status": {**status, "conditions": [told]}}


def view(*routed: dict[str, Any], **pods: tuple[int, bool]) -> View:
    """Versions by number, each with its pods and whether it is available as a whole."""
    found = {f"flights@{number}": deployment(*given) for number, given in pods.items()}
    services = frozenset(names.of_version(version) for version in found)
    known = {(each["kind"], each["metadata"]["name"]): each for each in routed}
    return View({version: {} for version in found}, found, services, known)


def test_a_version_gets_its_first_request_when_all_of_its_pods_are_there() -> None:
    starting = view(v3=(2, True), v1=(1, False))
    assert starting.seen().answers(V3)
    assert not starting.seen().answers(V1)
    assert "Available is False" in starting.problems[V1]


def test_it_keeps_its_requests_while_the_autoscaler_adds_pods() -> None:
    """`Available` asks for all replicas, so it is False at the height of each day."""
    found = view(*routes(table(), SETTINGS, Marks()), v3=(2, True), v1=(1, False))
    assert found.routed == {V3, V1}
    assert found.seen().answers(V1)
    assert found.problems == {}


def test_it_loses_them_with_its_last_pod() -> None:
    found = view(*routes(table(), SETTINGS, Marks()), v3=(2, True), v1=(0, False))
    assert not found.seen().answers(V1)


def test_without_a_service_nothing_is_reached() -> None:
    full = view(v3=(2, True))
    found = View(full.accounts, full.deployments, frozenset(), {})
    assert not found.seen().answers(V3)
    assert found.problems == {V3: "its Service is not there"}


def test_copies_and_weights_of_zero_count_as_routed() -> None:
    mirrored = table({V3: 100}, mirror=V1, upstreams={V3: table().upstreams[V3], **_only(V1)})
    found = view(*routes(mirrored, SETTINGS, Marks()), v1=(2, True), v2=(2, True), v3=(2, True))
    assert found.backends == {"flights-v3", "flights-v1"}
    assert found.routed == {V3, V1}
    assert V2 not in found.routed


def test_kinds_that_nobody_uses_need_not_be_installed(client: Client, cluster) -> None:
    cluster.without = {"grpcroutes"}
    found = look(client, KubernetesSettings())
    assert found == View({}, {}, frozenset(), {})


def _only(version: str) -> dict[str, Any]:
    return {version: table().upstreams[version]}
