"""Where in a cluster the versions run, and which of its gateways they are reached through."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from pipelines.settings.fields import Section

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = rf"{_LABEL}(\.{_LABEL})*"


def _no_tag(value: str) -> str:
    if ":" in value.rpartition("/")[2] or value.endswith("/"):
        raise ValueError("is no registry; write REGISTRY or REGISTRY/FOLDER, without a tag")
    return value


Label = Annotated[str, StringConstraints(pattern=rf"^{_LABEL}$")]
HostName = Annotated[str, StringConstraints(pattern=rf"^{_HOST}$", max_length=253)]
GatewayName = Annotated[str, StringConstraints(pattern=rf"^({_LABEL}/)?{_HOST}$")]


class KubernetesSettings(Section):
    """Read with `gateway.router: kubernetes` only."""

    # By default that of the service account, or of the kubeconfig's current context.
    namespace: Label | None = None
    # NAME or NAMESPACE/NAME of the Gateway that the routes attach to.
    gateway: GatewayName = "evergreen"
    hostname: HostName | None = None
    # Without it there is no route for gRPC.
    grpc_hostname: HostName | None = None
    # Before NAME:TAG of each version's image, as in registry.example.org/models.
    registry: Annotated[str, AfterValidator(_no_tag)] = "evergreen"
    # The ConfigMap with the public keys (jwks.json) that the servers in the pods verify tokens by;
    # issuer and audience are those of `identity`. Without it they ask nobody.
    jwks_config_map: HostName | None = None
    # The Secret with the key (prediction-log.key) that identifiers are hashed with.
    log_key_secret: HostName | None = None
    # Whether x-model-version chooses a version. Nothing here asks who sends it.
    overrides: bool = False
    # How long a gateway may take to say that it has taken a route.
    accept_seconds: Annotated[float, Field(gt=0, le=120)] = 10.0

    @model_validator(mode="after")
    def _hosts_are_apart(self) -> KubernetesSettings:
        # A gateway accepts one of an HTTPRoute and a GRPCRoute whose host names meet, and drops
        # the other; a route without a name meets them all.
        if self.grpc_hostname is not None and self.hostname in {None, self.grpc_hostname}:
            raise ValueError(
                "grpc_hostname needs a hostname beside it, and another one: a gateway takes only "
                "one of two routes of different kinds for the same host"
            )
        return self
