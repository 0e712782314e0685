"""From a table to Envoy's clusters: who listens where, how healthy, how much at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from pipelines.gateway import faults, names
from pipelines.gateway.chains import Chain, chains
from pipelines.gateway.names import PROTOCOLS, Protocol
from pipelines.gateway.table import Endpoint, ModelTable, Table

_CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
_AGGREGATE = "type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig"
_HTTP = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
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


def clusters(table: Table, now: float, max_requests: int, faults_socket: str) -> list[Any]:
    """Every cluster of every model, by name.

    Args:
        now: unix seconds; faults that have expired by then are left out.
        max_requests: at once, to one version.
        faults_socket: where the listener is that plants faults.
    """
    found: list[dict[str, Any]] = []
    for model in table.models:
        for protocol in PROTOCOLS:
            for version in model.upstreams:
                planted = faults.of_version(model.faults, version, now)
                found += _of_version(
                    model, version, protocol, max_requests, (planted, faults_socket)
                )
        found += [_aggregate(chain, max_requests) for chain in chains(model)]
    return sorted(found, key=lambda cluster: str(cluster["name"]))


def _of_version(
    model: ModelTable,
    version: str,
    protocol: Protocol,
    max_requests: int,
    fault: tuple[Mapping[str, str], str],
) -> list[dict[str, Any]]:
    endpoints = model.upstreams[version]
    name, (planted, socket) = names.servers(version, protocol), fault
    found = []
    if planted:
        behind = names.behind_fault(version, protocol)
        found.append(_servers(behind, version, endpoints, protocol, max_requests))
        headers = {**planted, names.TO: behind}
        found.append(_through_fault(name, version, protocol, socket, headers))
    else:
        found.append(_servers(name, version, endpoints, protocol, max_requests))
    if version == model.mirror:
        limit = max(1, max_requests // _SHADOW_SHARE)
        shadow = names.shadow(version, protocol)
        found.append(_servers(shadow, version, endpoints, protocol, limit))
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
    name: str, version: str, protocol: Protocol, socket: str, headers: Mapping[str, str]
) -> dict[str, Any]:
    mutations = [
        {
            "append": {
                "header": {"key": key, "value": value},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }
        }
        for key, value in headers.items()
    ]
    cluster = _base(name, protocol, None)
    cluster["typed_extension_protocol_options"][_HTTP]["http_filters"] = [
        {
            "name": "evergreen.fault",
            "typed_config": {
                "@type": "type.googleapis.com/"
                "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
                "mutations": {"request_mutations": mutations},
            },
        },
        {
            "name": "envoy.filters.http.upstream_codec",
            "typed_config": {
                "@type": "type.googleapis.com/"
                "envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec"
            },
        },
    ]
    return {
        **cluster,
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


def _base(name: str, protocol: Protocol, limit: int | None) -> dict[str, Any]:
    spoken = "http2_protocol_options" if protocol == "grpc" else "http_protocol_options"
    most = 2**31 if limit is None else limit
    return {
        "@type": _CLUSTER,
        "name": name,
        "connect_timeout": "1s",
        "circuit_breakers": {
            "thresholds": [
                {
                    "max_connections": most,
                    "max_pending_requests": most,
                    "max_requests": most,
                    # Of what goes on at the time; a retry is never to the version that failed,
                    # so that the budget bounds what reaches the next one.
                    "retry_budget": {
                        "budget_percent": {"value": 100},
                        "min_retry_concurrency": most,
                    },
                    "track_remaining": True,
                }
            ]
        },
        "typed_extension_protocol_options": {
            _HTTP: {
                "@type": f"type.googleapis.com/{_HTTP}",
                "common_http_protocol_options": {"idle_timeout": "60s"},
                "explicit_http_config": {spoken: {}},
            }
        },
    }


def _assignment(name: str, version: str, addresses: list[dict[str, Any]]) -> dict[str, Any]:
    metadata = {"filter_metadata": {names.METADATA: {"version": version}}}
    return {
        "cluster_name": name,
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
