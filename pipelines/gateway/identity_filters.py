"""Who may ask what, in Envoy's words: TLS, tokens, scopes, limits.

Everything is closed unless a route opens it: without a token of the right kind there is no answer,
and a route without permissions of its own refuses every token. The keys that tokens are verified by
come by a file of their own (`identity_keys`), because Envoy reads a JWKS file once and never again.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.gateway import identity_limits, identity_scopes
from pipelines.gateway.identity_keys import JWT_FILTER, JWT_TYPE, provider_cluster, remote_filter
from pipelines.gateway.security import RouteKind, Security
from pipelines.settings import IdentitySettings, Settings

API_KEY_HEADER = "x-api-key"
AUTH_HEADER = "x-evergreen-auth"
TOKEN_CLUSTER = "identity"  # noqa: S105  (the name of a cluster)
_HTTP = "type.googleapis.com/envoy.extensions.filters.http"
_AUTHORIZE_SECONDS = 2.0
# A client's first scrypt, behind those of others.
_TOKEN_SECONDS = 10.0


def security(
    settings: Settings, keys_file: Path, certificate: Path | None, key: Path | None
) -> Security:
    """What the gateway is told of identity.

    Args:
        settings: `identity` of params.yaml decides.
        keys_file: written by `identity_keys`; Envoy follows it. Not used with `jwks_url`.
        certificate, key: of the listener, or None.
    """
    identity = settings.identity
    if identity.mode == "off":
        return Security((_loudly_off(),), (), _open_to_all, certificate, key, is_on=False)
    filters: list[Mapping[str, Any]] = []
    clusters: list[Mapping[str, Any]] = []
    routes: tuple[Mapping[str, Any], ...] = ()
    if identity.jwks_url is None:
        clusters.append(_token_cluster(identity))
        routes = _token_routes()
        if identity.api_keys:
            filters.append(_api_keys())
        filters.append(_followed(keys_file))
    else:
        clusters.append(provider_cluster(identity))
        filters.append(remote_filter(identity))
    filters += [
        _without(API_KEY_HEADER),
        identity_limits.limit_filter(identity),
        identity_scopes.closed_filter(),
    ]
    return Security(
        tuple(filters), tuple(clusters), _per_route(identity), certificate, key, routes=routes
    )


def off_warning(settings: Settings) -> str | None:
    """What has to be said, loudly, when nobody is asked who they are; None if they are."""
    if settings.identity.mode != "off":
        return None
    gateway = settings.gateway
    return (
        f"WARNING: identity.mode is off: whoever reaches {gateway.host}:{gateway.port} may do "
        "anything. Set identity.mode: jwt in params.yaml."
    )


_SKIPPED = {"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": True}
# For a route that anybody may ask: without a token there is no subject to count by, either.
_OPEN: Mapping[str, Any] = dict.fromkeys(
    (JWT_FILTER, identity_limits.LIMIT_FILTER, identity_scopes.SCOPE_FILTER), _SKIPPED
)


def _token_routes() -> tuple[Mapping[str, Any], ...]:
    """To the token endpoint, which itself has no TLS: clients reach it through the gateway."""
    paths = (
        "/token",
        "/jwks.json",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
    )
    return tuple(
        {
            "match": {"path": path},
            "route": {"cluster": TOKEN_CLUSTER, "timeout": f"{_TOKEN_SECONDS}s"},
            "typed_per_filter_config": dict(_OPEN),
        }
        for path in paths
    )


def _per_route(identity: IdentitySettings) -> Any:
    is_ours = identity.jwks_url is None

    def configs(kind: RouteKind, model: str | None) -> Mapping[str, Any]:
        if kind == "open":
            return dict(_OPEN)
        return {identity_scopes.SCOPE_FILTER: identity_scopes.required(kind, model, is_ours)}

    return configs


def _open_to_all(kind: RouteKind, model: str | None) -> Mapping[str, Any]:  # noqa: ARG001
    return {}


def _followed(keys_file: Path) -> dict[str, Any]:
    """The JWT filter, taken from a file, and again whenever that is replaced."""
    source = {
        "path": str(keys_file),
        "watched_directory": {"path": str(keys_file.parent)},
    }
    discovery = {"path_config_source": source, "resource_api_version": "V3"}
    return {
        "name": JWT_FILTER,
        "config_discovery": {"config_source": discovery, "type_urls": [JWT_TYPE]},
    }


def _api_keys() -> dict[str, Any]:
    """Ask the token endpoint about an API key, and go on with the token that it stands for.

    Only requests with such a key ask. A token that came beside it is replaced, never mixed.
    """
    named = {"patterns": [{"exact": API_KEY_HEADER}]}
    told = {"patterns": [{"exact": name} for name in ("content-type", "retry-after")]}
    ask = {
        "@type": f"{_HTTP}.ext_authz.v3.ExtAuthz",
        "failure_mode_allow": False,
        "status_on_error": {"code": "ServiceUnavailable"},
        "allowed_headers": {"patterns": [*named["patterns"], {"exact": "x-forwarded-for"}]},
        "http_service": {
            "server_uri": {
                "uri": f"http://{TOKEN_CLUSTER}",
                "cluster": TOKEN_CLUSTER,
                "timeout": f"{_AUTHORIZE_SECONDS}s",
            },
            "path_prefix": "/api-key",
            "authorization_response": {
                "allowed_upstream_headers": {"patterns": [{"exact": "authorization"}]},
                "allowed_client_headers": told,
            },
        },
    }
    execute = {
        "@type": f"{_HTTP}.composite.v3.ExecuteFilterAction",
        "typed_config": {"name": "evergreen.api_key", "typed_config": ask},
    }
    header = {
        "@type": "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput",
        "header_name": API_KEY_HEADER,
    }
    tree = {
        "input": {"name": "api-key", "typed_config": header},
        "prefix_match_map": {"map": {"eg.": {"action": {"name": "ask", "typed_config": execute}}}},
    }
    return {
        "name": "evergreen.api_keys",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher",
            "xds_matcher": {"matcher_tree": tree},
            "extension_config": {
                "name": "composite",
                "typed_config": {"@type": f"{_HTTP}.composite.v3.Composite"},
            },
        },
    }


def _without(header: str) -> dict[str, Any]:
    """What was a secret for the gateway is none of a model server's business."""
    return _header_mutation("evergreen.secrets", {"request_mutations": [{"remove": header}]})


def _loudly_off() -> dict[str, Any]:
    said = {"append": {"header": {"key": AUTH_HEADER, "value": "off"}}}
    return _header_mutation("evergreen.identity_off", {"response_mutations": [said]})


def _header_mutation(name: str, mutations: dict[str, Any]) -> dict[str, Any]:
    kind = f"{_HTTP}.header_mutation.v3.HeaderMutation"
    return {"name": name, "typed_config": {"@type": kind, "mutations": mutations}}


def _token_cluster(identity: IdentitySettings) -> dict[str, Any]:
    address = {"socket_address": {"address": "127.0.0.1", "port_value": identity.port}}
    return {
        "name": TOKEN_CLUSTER,
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {
            "cluster_name": TOKEN_CLUSTER,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
    }
