"""Planted faults: a listener of the gateway's own that stands before a version's servers.

A fault that is planted on the route would be the client's. This one is the version's: the chain
answers in its place, the evidence counts it, and copies for a mirror are spared.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipelines.gateway import names
from pipelines.gateway.names import PROTOCOLS
from pipelines.gateway.table import Fault, Table

_LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener"
_FILTERS = "type.googleapis.com/envoy.extensions.filters"
_FAULT = f"{_FILTERS}.http.fault.v3.HTTPFault"
# Stands in a pattern of socket paths for what tells two listeners apart.
DIGITS = "00000000"


def listeners(table: Table, now: float, sockets: str, buffer_bytes: int) -> list[Any]:
    """The listeners of all versions that have a fault, by name.

    Args:
        now: unix seconds; faults that have expired by then are left out.
        sockets: a path with DIGITS in it.
        buffer_bytes: how much of a request waits while it is delayed.
    """
    found = []
    for model in table.models:
        for version in model.upstreams:
            if fault := of_version(model.faults, version, now):
                for protocol in PROTOCOLS:
                    cluster = names.behind_fault(version, protocol)
                    socket = socket_of(cluster, fault, sockets)
                    found.append(_listener(cluster, socket, fault, buffer_bytes))
    return sorted(found, key=lambda listener: str(listener["name"]))


def socket_of(cluster: str, fault: dict[str, Any], sockets: str) -> str:
    """Where the listener before a cluster listens: elsewhere for each fault.

    Connections that are open go on with the fault they were opened to; only to another socket
    are there new ones.
    """
    content = json.dumps([cluster, fault], sort_keys=True)
    return sockets.replace(DIGITS, hashlib.sha256(content.encode()).hexdigest()[: len(DIGITS)])


def of_version(faults: Iterable[Fault], version: str, now: float) -> dict[str, Any]:
    """The filter's settings for what reaches a version; empty without a fault.

    Of two faults of a kind the later one in the table holds.
    """
    told: dict[str, Any] = {}
    for fault in faults:
        if fault.expires <= now or fault.version not in (None, version):
            continue
        share = {"numerator": fault.percent, "denominator": "HUNDRED"}
        if fault.delay_ms is not None:
            seconds = f"{fault.delay_ms / 1000:.3f}s"
            told["delay"] = {"fixed_delay": seconds, "percentage": share}
        if fault.abort_status is not None:
            told["abort"] = {"http_status": fault.abort_status, "percentage": share}
    return told


def _listener(
    cluster: str, socket: str, fault: dict[str, Any], buffer_bytes: int
) -> dict[str, Any]:
    route = {"match": {"prefix": "/"}, "route": {"cluster": cluster, "timeout": "0s"}}
    connection = {
        "@type": f"{_FILTERS}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "faults",
        "generate_request_id": False,
        "stream_idle_timeout": "0s",
        "route_config": {
            "virtual_hosts": [{"name": "faults", "domains": ["*"], "routes": [route]}]
        },
        "http_filters": [
            {"name": "envoy.filters.http.fault", "typed_config": {"@type": _FAULT, **fault}},
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{_FILTERS}.http.router.v3.Router"},
            },
        ],
    }
    manager = "envoy.filters.network.http_connection_manager"
    return {
        "@type": _LISTENER,
        "name": f"{cluster} {Path(socket).name}",
        "address": {"pipe": {"path": socket, "mode": 0o600}},
        "per_connection_buffer_limit_bytes": buffer_bytes,
        "filter_chains": [{"filters": [{"name": manager, "typed_config": connection}]}],
    }
