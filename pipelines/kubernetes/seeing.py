"""What there is in the cluster, at one moment."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.gateway.table import Endpoint
from pipelines.kubernetes import names
from pipelines.kubernetes.client import Cluster
from pipelines.kubernetes.conditions import deployment_problem
from pipelines.kubernetes.kinds import (
    ACCOUNT,
    DEPLOYMENT,
    GRPC_ROUTE,
    HTTP_ROUTE,
    SERVICE,
    Kind,
    Object,
)
from pipelines.settings.kubernetes import KubernetesSettings
from pipelines.stack.tables import Endpoints, Seen

# As the template of the Service has them; a test holds the two together.
PORT, GRPC_PORT = 80, 3001


@dataclass(frozen=True)
class View:
    """The controller's objects, as they were when the moment began.

    Attributes:
        accounts: of each version; all that a version consists of belongs to its service account.
        deployments: by version.
        services: the names of those there are.
        routes: by kind and name.
    """

    accounts: dict[str, Object]
    deployments: dict[str, Object]
    services: frozenset[str]
    routes: dict[tuple[str, str], Object]

    @property
    def problems(self) -> dict[str, str]:
        """By version, why it does not serve."""
        found = {version: _problem(self, version) for version in self.deployments}
        return {version: why for version, why in found.items() if why is not None}

    @property
    def backends(self) -> frozenset[str]:
        """The Services that any route sends requests or copies to, or could."""
        return frozenset(
            name
            for route in self.routes.values()
            for rule in route["spec"].get("rules") or ()
            for name in _services(rule)
        )

    @property
    def routed(self) -> frozenset[str]:
        """The versions behind these Services."""
        known = {names.of_version(version): version for version in self.accounts}
        return frozenset(known[name] for name in self.backends if name in known)

    def seen(self) -> Seen:
        """The same, as a table is made from it: a Service stands for the servers of a version."""
        there = {
            version: endpoints(version)
            for version in self.deployments
            if names.of_version(version) in self.services
        }
        ready = {each for v, ends in there.items() if v not in self.problems for each in ends}
        # Nothing is known as routed before: here nobody answers in the place of a version whose
        # pods are all gone, so it gets no request. (The champion keeps its own all the same.)
        return Seen(there, {}, ready)


def endpoints(version: str) -> Endpoints:
    """Where a version is reached within its namespace."""
    return (Endpoint(names.of_version(version), PORT, GRPC_PORT),)


def look(cluster: Cluster, settings: KubernetesSettings) -> View:
    """Look at all that is the controller's.

    Raises:
        ClusterError: the API refuses, or does not answer.
    """
    services = frozenset(each["metadata"]["name"] for each in cluster.controlled(SERVICE))
    # A cluster without gRPC routes need not know the kind.
    kinds = (HTTP_ROUTE,) if settings.grpc_hostname is None else (HTTP_ROUTE, GRPC_ROUTE)
    routes = {
        (kind.name, each["metadata"]["name"]): each
        for kind in kinds
        for each in cluster.controlled(kind)
    }
    return View(_by_version(cluster, ACCOUNT), _by_version(cluster, DEPLOYMENT), services, routes)


def _by_version(cluster: Cluster, kind: Kind) -> dict[str, Object]:
    return {
        names.annotations_of(each)[names.VERSION]: each
        for each in cluster.controlled(kind)
        if names.VERSION in names.annotations_of(each)
    }


def _problem(view: View, version: str) -> str | None:
    if names.of_version(version) not in view.services:
        return "its Service is not there"
    found = view.deployments[version]
    # `Available` asks for all replicas, which are missing each time the autoscaler adds some. It
    # is the bar for the first request; to keep them, one pod that serves is enough.
    has_pods = (found.get("status") or {}).get("availableReplicas", 0) > 0
    return None if has_pods and version in view.routed else deployment_problem(found)


def _services(rule: Object) -> list[str]:
    mirrors = [
        each["requestMirror"]["backendRef"]
        for each in rule.get("filters") or ()
        if each["type"] == "RequestMirror"
    ]
    return [each["name"] for each in (*(rule.get("backendRefs") or ()), *mirrors)]
