"""From a table to Envoy's clusters: who listens where, how healthy, how much at once."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

from pipelines.gateway import faults, names
from pipelines.gateway.chains import Chain, chains
from pipelines.gateway.names import PROTOCOLS, Protocol
from pipelines.gateway.table import Endpoint, ModelTable, Table

_CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
_AGGREGATE = "type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig"
_HTTP = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
# A model server (uvicorn) closes what was idle for 5 s. A request that is sent at that moment is
# lost, and with one version there is nobody else to ask: so the gateway closes first.
_IDLE = "3s"
# Three looks in a row: a server that is busy with a large request answers late, and is not dead.
_LOOK = {
    "timeout": "2s",
    "interval": "1s",
    "interval_jitter": "0.1s",
    "unhealthy_threshold": 3,
    "healthy_threshold": 1,
    # A minute otherwise, for a version that is warm and not asked.
    "no_traffic_interval": "1s",
}
# Copies are dropped before they take what real requests need.
_SHADOW_SHARE = 8


def clusters(table: Table, now: float, max_requests: int, sockets: str) -> list[Any]:
    """Every cluster of every model, by name.

    Args:
        now: unix seconds; faults that have expired by then are left out.
        max_requests: at once, to one version.
        sockets: of the listeners that plant faults, as `faults.listeners` has it.
    """
    found: list[dict[str, Any]] = []
    for model in table.models:
        for version in model.upstreams:
            fault = faults.of_version(model.faults, version, now)
            for protocol in PROTOCOLS:
                behind = names.behind_fault(version, protocol)
                socket = faults.socket_of(behind, fault, sockets) if fault else None
                found += _of_version(model, version, protocol, max_requests, socket)
        found += [_aggregate(chain, max_requests) for chain in chains(model)]
    return sorted(found, key=lambda cluster: str(cluster["name"]))


def _of_version(
    model: ModelTable, version: str, protocol: Protocol, limit: int, socket: str | None
) -> list[dict[str, Any]]:
    endpoints = model.upstreams[version]
    name = names.servers(version, protocol)
    if socket is None:
        found = [_servers(name, version, endpoints, protocol, limit)]
    else:
        behind = names.behind_fault(version, protocol)
        found = [
            _servers(behind, version, endpoints, protocol, limit),
            _through_fault(name, version, protocol, limit, socket),
        ]
    if version == model.mirror:
        shadow = names.shadow(version, protocol)
        few = max(1, limit // _SHADOW_SHARE)
        found.append(_servers(shadow, version, endpoints, protocol, few))
    return found


def _servers(
    name: str, version: str, endpoints: Sequence[Endpoint], protocol: Protocol, limit: int
) -> dict[str, Any]:
    look = {"grpc_health_check": {}} if protocol == "grpc" else {"http_health_check": _READY}
    return {
        **_base(name, protocol, limit),
        "type": "STATIC" if all(_is_address(each.host) for each in endpoints) else "STRICT_DNS",
        "lb_policy": "LEAST_REQUEST",
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
        "ignore_health_on_host_removal": True,
        "health_checks": [{**_LOOK, **look}],
        "outlier_detection": _OUTLIERS,
        "load_assignment": _assignment(
            name,
            version,
            [
                {"socket_address": {"address": each.host, "port_value": _port(each, protocol)}}
                for each in endpoints
            ],
        ),
    }


_READY = {"path": "/readyz"}
# Only gateway errors: a request that makes every version fail with a 500 must not be able to take
# servers out. And never more than half of them: one that is alone is judged by its health check,
# or a server that says 503 because it is busy would lose what capacity it has.
_OUTLIERS = {
    "consecutive_gateway_failure": 5,
    "enforcing_consecutive_gateway_failure": 100,
    "enforcing_consecutive_5xx": 0,
    "enforcing_success_rate": 0,
    "interval": "1s",
    "base_ejection_time": "5s",
    "max_ejection_time": "60s",
    "max_ejection_percent": 50,
}


def _through_fault(
    name: str, version: str, protocol: Protocol, limit: int, socket: str
) -> dict[str, Any]:
    return {
        **_base(name, protocol, limit),
        "type": "STATIC",
        "load_assignment": _assignment(name, version, [{"pipe": {"path": socket}}]),
    }


def _aggregate(chain: Chain, max_requests: int) -> dict[str, Any]:
    return {
        **_base(chain.name, chain.protocol, max_requests),
        "lb_policy": "CLUSTER_PROVIDED",
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
        "cluster_type": {
            "name": "envoy.clusters.aggregate",
            "typed_config": {"@type": _AGGREGATE, "clusters": list(chain.clusters)},
        },
    }


def _base(name: str, protocol: Protocol, limit: int) -> dict[str, Any]:
    spoken = "http2_protocol_options" if protocol == "grpc" else "http_protocol_options"
    return {
        "@type": _CLUSTER,
        "name": name,
        "connect_timeout": "1s",
        "circuit_breakers": {
            "thresholds": [
                {
                    "max_connections": limit,
                    "max_pending_requests": limit,
                    "max_requests": limit,
                    # Of what goes on at the time; a retry is never to the version that failed,
                    # so that the budget bounds what reaches the next one.
                    "retry_budget": {
                        "budget_percent": {"value": 100},
                        "min_retry_concurrency": limit,
                    },
                    "track_remaining": True,
                }
            ]
        },
        "typed_extension_protocol_options": {
            _HTTP: {
                "@type": f"type.googleapis.com/{_HTTP}",
                "common_http_protocol_options": {"idle_timeout": _IDLE},
                "explicit_http_config": {spoken: {}},
            }
        },
    }


def _assignment(name: str, version: str, addresses: list[dict[str, Any]]) -> dict[str, Any]:
    metadata = {"filter_metadata": {names.METADATA: {"version": version}}}
    return {
        "cluster_name": name,
        # One healthy server is enough: Envoy would otherwise move a share of the requests to the
        # next version in the chain as soon as a third of the servers is out.
        "policy": {"overprovisioning_factor": max(140, 100 * len(addresses))},
        "endpoints": [
            {
                "lb_endpoints": [
                    {"endpoint": {"address": address}, "metadata": metadata}
                    for address in addresses
                ]
            }
        ],
    }


def _port(endpoint: Endpoint, protocol: Protocol) -> int:
    return endpoint.grpc_port if protocol == "grpc" else endpoint.port


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
