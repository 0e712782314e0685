"""The way in: the gateway, who may use it, and the processes behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from pipelines.settings.fields import Port, Positive, Section
from pipelines.settings.kubernetes import KubernetesSettings

Seconds = Annotated[float, Field(gt=0)]
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def _fetchable(value: str) -> str:
    parts = urlsplit(value)
    if not parts.hostname or parts.scheme not in ("https", "http"):
        raise ValueError("is no address of a JWKS document; write https://HOST/PATH")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError("would fetch keys without TLS, so anybody in between could choose them")
    return value


JwksUrl = Annotated[str, AfterValidator(_fetchable)]


class TlsSettings(Section):
    """`local` makes a certificate for development; `files` names those of the place it runs at."""

    mode: Literal["local", "files", "off"] = "local"
    certificate: Path | None = None
    key: Path | None = None


class GatewaySettings(Section):
    """One door for REST and gRPC of every model."""

    host: str = "127.0.0.1"
    port: Port = 8443
    tls: TlsSettings = TlsSettings()
    max_body_megabytes: Annotated[float, Field(gt=0, le=1024)] = 4.0
    timeout_seconds: Seconds = 15.0
    max_requests: Positive = 4096
    # On loopback, for Prometheus.
    metrics_port: Port = 8445
    # HOST:PORT of an OpenTelemetry collector (OTLP over gRPC); none by default.
    traces: str | None = None
    traces_percent: Annotated[float, Field(ge=0, le=100)] = 10.0
    # What moves the requests of a rollout: the Envoy of this machine, or a cluster's Gateway.
    router: Literal["envoy", "kubernetes"] = "envoy"
    kubernetes: KubernetesSettings = KubernetesSettings()


class TierSettings(Section):
    """How often one subject may ask: `per_second` on average, `burst` at once."""

    per_second: Positive = 100
    burst: Positive = 200


class IdentitySettings(Section):
    """Who may ask what. `off` is for loopback only, and says so loudly.

    Without `jwks_url` the keys are those of the token endpoint that comes along, on `port`; they
    are replaced every `key_days`. `jwks_ca` is the authority that a provider's certificate has to
    be from, where it is none that everybody trusts.
    """

    mode: Literal["jwt", "off"] = "jwt"
    issuer: str = "https://evergreen.localhost"
    audience: str = "evergreen"
    jwks_url: JwksUrl | None = None
    jwks_ca: Path | None = None
    key_days: Annotated[float, Field(gt=0)] = 30.0
    port: Port = 8444
    token_minutes: Annotated[float, Field(gt=0, le=10)] = 10.0
    api_keys: bool = False
    tiers: dict[str, TierSettings] = Field(
        default_factory=lambda: {"standard": TierSettings()}, min_length=1
    )


class FleetSettings(Section):
    """The servers of one model: how many of each version, and what is said when none answers."""

    replicas: Positive = 1
    start_seconds: Seconds = 60.0
    fallback: dict[str, Any] | None = None
