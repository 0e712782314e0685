"""The kinds of objects that are written, and where the API keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """One kind of object in one version of its API.

    Attributes:
        api: group and version, as in `apps/v1`.
        name: as in `kind:`.
        plural: as in the path.
    """

    api: str
    name: str
    plural: str

    def path(self, namespace: str, name: str | None = None) -> str:
        """The path of all of them, or of one."""
        root = "/apis" if "/" in self.api else "/api"
        path = f"{root}/{self.api}/namespaces/{namespace}/{self.plural}"
        return path if name is None else f"{path}/{name}"


ACCOUNT = Kind("v1", "ServiceAccount", "serviceaccounts")
DEPLOYMENT = Kind("apps/v1", "Deployment", "deployments")
SERVICE = Kind("v1", "Service", "services")
OF_A_VERSION = (
    ACCOUNT,
    DEPLOYMENT,
    SERVICE,
    Kind("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
    Kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets"),
    Kind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"),
)
HTTP_ROUTE = Kind("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes")
GRPC_ROUTE = Kind("gateway.networking.k8s.io/v1", "GRPCRoute", "grpcroutes")
_KNOWN = {(kind.api, kind.name): kind for kind in (*OF_A_VERSION, HTTP_ROUTE, GRPC_ROUTE)}


def kind_of(found: Mapping[str, Any]) -> Kind:
    """The kind of an object that was rendered here.

    Raises:
        KeyError: nothing of this kind is rendered here.
    """
    return _KNOWN[found["apiVersion"], found["kind"]]
