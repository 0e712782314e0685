"""The filter that verifies tokens, and the file that Envoy takes it from.

Replacing the file replaces the filter, with its cache of tokens: what a key has signed that is not
published any more is refused from the next request on. Connections and requests go on.
"""

from __future__ import annotations

import json
import ssl
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipelines import jwks
from pipelines.errors import IdentityError
from pipelines.files import read_json, write_json
from pipelines.gateway.identity_scopes import CLAIMS, HEADER, JWT_METADATA
from pipelines.gateway.security import SUBJECT, TIER
from pipelines.settings import IdentitySettings

JWT_FILTER = JWT_METADATA
JWT_TYPE = "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication"
PROVIDER_CLUSTER = "identity-provider"
KEYS_FILE = "keys.json"
_EXTENSION = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig"
_UPSTREAM_TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
# Ours are good for ten minutes at most; the clock of a client's machine does not matter, only
# those of the endpoint and the gateway.
_CLOCK_SKEW_SECONDS = 10
_MOST_SECONDS = 600
_CACHED_TOKENS = 10_000


def write(folder: Path, identity: IdentitySettings, document: dict[str, Any]) -> Path:
    """Write the filter for these public keys, unless it is there already; returns the file.

    Envoy follows it. The version is a digest of the content, so the admin's `config_dump` says
    which keys it has.

    Raises:
        IdentityError: the keys are none that tokens may be verified by.
    """
    path = folder / KEYS_FILE
    content = filter_file(identity, jwks.parse(json.dumps(document), str(path)))
    try:
        is_there = read_json(path) == content
    except (OSError, ValueError):
        is_there = False  # missing, or damaged by hand: written anew
    if not is_there:
        write_json(content, path)
    return path


def filter_file(identity: IdentitySettings, document: dict[str, Any]) -> dict[str, Any]:
    """The filter as Envoy reads it from a file."""
    told = {
        **_provider(identity),
        "max_lifetime": f"{_MOST_SECONDS + _CLOCK_SKEW_SECONDS}s",
        "local_jwks": {"inline_string": json.dumps(document, sort_keys=True)},
    }
    resource = {"@type": _EXTENSION, "name": JWT_FILTER, "typed_config": _filter(told)}
    version = sha256(json.dumps(resource, sort_keys=True).encode()).hexdigest()[:16]
    return {"version_info": version, "resources": [resource]}


def remote_filter(identity: IdentitySettings) -> dict[str, Any]:
    """The filter for a provider, whose keys Envoy fetches and keeps fresh by itself."""
    uri = {"uri": identity.jwks_url, "cluster": PROVIDER_CLUSTER, "timeout": "5s"}
    fetched = {
        "http_uri": uri,
        "cache_duration": "300s",
        # Before it listens, and again in time: no request waits, and a provider that is away
        # for a while is not missed.
        "async_fetch": {"failed_refetch_duration": "1s"},
        "retry_policy": {"num_retries": 3},
    }
    told = {**_provider(identity), "remote_jwks": fetched}
    return {"name": JWT_FILTER, "typed_config": _filter(told)}


def provider_cluster(identity: IdentitySettings) -> dict[str, Any]:
    """Where the provider's keys are fetched from.

    Raises:
        IdentityError: there is no authority to trust its certificate by.
    """
    assert identity.jwks_url is not None
    parts = urlsplit(identity.jwks_url)
    is_tls = parts.scheme == "https"
    port = parts.port or (443 if is_tls else 80)
    address = {"socket_address": {"address": parts.hostname, "port_value": port}}
    cluster: dict[str, Any] = {
        "name": PROVIDER_CLUSTER,
        "type": "STRICT_DNS",
        "connect_timeout": "2s",
        "load_assignment": {
            "cluster_name": PROVIDER_CLUSTER,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
    }
    if is_tls:
        cluster["transport_socket"] = _tls(str(parts.hostname), identity.jwks_ca)
    return cluster


def _tls(host: str, authority: Path | None) -> dict[str, Any]:
    trusted = authority or Path(ssl.get_default_verify_paths().cafile or "no default authorities")
    if not trusted.is_file():
        raise IdentityError(
            "no authorities to trust the provider's certificate by",
            where=str(trusted),
            next_step="set identity.jwks_ca in params.yaml to a PEM file",
        )
    names = [{"san_type": kind, "matcher": {"exact": host}} for kind in ("DNS", "IP_ADDRESS")]
    validation = {
        "trusted_ca": {"filename": str(trusted.absolute())},
        "match_typed_subject_alt_names": names,
    }
    context = {"@type": _UPSTREAM_TLS, "common_tls_context": {"validation_context": validation}}
    if any(letter.isalpha() for letter in host):
        context["sni"] = host
    return {"name": "envoy.transport_sockets.tls", "typed_config": context}


def _provider(identity: IdentitySettings) -> dict[str, Any]:
    return {
        "issuer": identity.issuer,
        "audiences": [identity.audience],
        "require_expiration": True,
        "clock_skew_seconds": _CLOCK_SKEW_SECONDS,
        # From the header alone: in a URL it would end up in logs.
        "from_headers": [{"name": "authorization", "value_prefix": "Bearer "}],
        # The model server verifies it once more.
        "forward": True,
        "payload_in_metadata": CLAIMS,
        "header_in_metadata": HEADER,
        "normalize_payload_in_metadata": {"space_delimited_claims": ["scope"]},
        "claim_to_headers": [
            {"header_name": SUBJECT, "claim_name": "sub"},
            {"header_name": TIER, "claim_name": "tier"},
        ],
        # Which version a subject gets depends on the header that is set here.
        "clear_route_cache": True,
        "jwt_cache_config": {"jwt_cache_size": _CACHED_TOKENS},
    }


def _filter(provider: dict[str, Any]) -> dict[str, Any]:
    everything = {"match": {"prefix": "/"}, "requires": {"provider_name": "tokens"}}
    return {"@type": JWT_TYPE, "providers": {"tokens": provider}, "rules": [everything]}
