"""What Envoy is told once: from settings to the text of its static configuration."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipelines.errors import GatewayError
from pipelines.gateway import names
from pipelines.gateway.admin import socket_path
from pipelines.gateway.security import OURS, Security
from pipelines.settings import GatewaySettings

TEMPLATES = Path(__file__).parents[2] / "deployments" / "gateway"
# Idle connections of clients beside those that ask.
_CONNECTIONS_PER_REQUEST = 4
_LEAST_RECEIVE_SECONDS = 30


def render(folder: Path, settings: GatewaySettings, security: Security) -> str:
    """Envoy's configuration as YAML; the same values always give the same text.

    Args:
        folder: absolute; where the files are that change while Envoy runs.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 (YAML; every value goes through `tojson`)
    )
    body_bytes = round(settings.max_body_megabytes * 1e6)
    return environment.get_template("envoy.yaml.j2").render(
        admin=str(socket_path(folder, "admin")),
        fallback_socket=str(socket_path(folder, "fallback")),
        clusters_file=str(folder / names.CLUSTERS_FILE),
        faults_file=str(folder / names.FAULTS_FILE),
        routes_file=str(folder / names.ROUTES_FILE),
        access_log=str(folder / names.ACCESS_LOG),
        tls_file=None if settings.tls.mode == "off" else str(folder / names.CERTIFICATE_FILE),
        host=settings.host,
        port=settings.port,
        metrics_port=settings.metrics_port,
        max_connections=_CONNECTIONS_PER_REQUEST * settings.max_requests,
        max_body_bytes=body_bytes,
        buffer_bytes=buffer_bytes(settings),
        request_timeout=max(_LEAST_RECEIVE_SECONDS, settings.timeout_seconds),
        stream_idle_timeout=max(300.0, 2 * settings.timeout_seconds),
        traces=_collector(settings),
        ours=OURS,
        security=security,
    )


def buffer_bytes(settings: GatewaySettings) -> int:
    """A whole body, and what its frames and headers take."""
    return round(settings.max_body_megabytes * 1e6) + 65_536


def certificate(certificate: Path, key: Path) -> Mapping[str, Any]:
    """The secret of the listener, read again whenever a file of its folder is renamed into place.

    Raises:
        GatewayError: one of the two files is missing, or they are in two folders.
    """
    for path in (certificate, key):
        if not path.is_file():
            raise GatewayError(
                "there is no such file",
                where=str(path),
                next_step="put the PEM file there, or set gateway.tls.mode to local",
            )
    chain, private = certificate.resolve(), key.resolve()
    return {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
        "name": "listener",
        "tls_certificate": {
            "certificate_chain": {"filename": str(chain)},
            "private_key": {"filename": str(private)},
            "watched_directory": {"path": str(chain.parent)},
        },
    }


def require_protected(settings: GatewaySettings, security: Security) -> None:
    """Refuse a gateway that others can reach and that lets everybody in.

    Raises:
        GatewayError: it is one.
    """
    if security.is_on or is_loopback(settings.host):
        return
    raise GatewayError(
        f"anybody who reaches {settings.host} could ask, for identity is off",
        where="params.yaml: gateway.host",
        next_step="set identity.mode to jwt, or gateway.host to 127.0.0.1",
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False  # a name may lead anywhere


def _collector(settings: GatewaySettings) -> Mapping[str, Any] | None:
    if settings.traces is None:
        return None
    host, _, port = settings.traces.rpartition(":")
    if not (host and port.isdecimal() and 0 < int(port) < 65536):
        raise GatewayError(
            f"{settings.traces!r} is no collector",
            where="params.yaml: gateway.traces",
            next_step="write HOST:PORT, as 127.0.0.1:4317",
        )
    return {"host": host, "port": int(port), "percent": settings.traces_percent}
