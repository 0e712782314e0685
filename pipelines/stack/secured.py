"""Identity brought in line: keys, certificate, and the files that Envoy and the servers read.

Anybody may ask for it at any moment, and twice: what is good stays as it is.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pipelines.gateway import identity_filters, identity_keys
from pipelines.gateway.security import Security
from pipelines.identity import certificates, keystore
from pipelines.identity.certificates import Certificate
from pipelines.paths import HomePaths
from pipelines.serving import places
from pipelines.settings import Settings

# The verb of `flows` that runs the token endpoint.
ENDPOINT = "identity"
_ANY = frozenset({"0.0.0.0", "::", ""})  # noqa: S104  (addresses to leave out, none to bind to)


def secure(settings: Settings, home: HomePaths, now: float) -> Security:
    """Make what is missing, renew what is due, and say what the gateway has to be told.

    Args:
        settings: `gateway` and `identity` of params.yaml.
        home: keys and certificates are kept there.
        now: unix seconds.

    Raises:
        IdentityError: a key, certificate or JWKS cannot be used.
    """
    certificate = listener_certificate(settings, home, now)
    identity = settings.identity
    keys_file = keys_folder(home) / identity_keys.KEYS_FILE
    if has_endpoint(settings):
        keystore.ensure(home.keys, now)
        ring = keystore.keep(home.keys, now, identity.key_days)
        keys_file = identity_keys.write(keys_folder(home), identity, ring.jwks())
    chain, key = (certificate.chain, certificate.key) if certificate else (None, None)
    return identity_filters.security(settings, keys_file, chain, key)


def has_endpoint(settings: Settings) -> bool:
    """Whether tokens are of the endpoint that comes along."""
    return settings.identity.mode == "jwt" and settings.identity.jwks_url is None


def keys_folder(home: HomePaths) -> Path:
    """Where Envoy takes the keys from: a folder of their own, for every rename in it wakes it."""
    return home.gateway / "identity"


def listener_certificate(settings: Settings, home: HomePaths, now: float) -> Certificate | None:
    """The certificate of the gateway's listener; None with `tls.mode: off`."""
    host = settings.gateway.host
    names = {"evergreen.localhost"} | (set() if host in _ANY else {host})
    return certificates.find(settings.gateway.tls, home.keys / "tls", names, now)


def server_environment(settings: Settings, home: HomePaths) -> dict[str, str]:
    """What model servers are told, so that they ask for the token once more.

    Empty with a provider, whose keys only the gateway fetches.
    """
    if not has_endpoint(settings):
        return {}
    return {
        places.JWKS: str(home.keys / keystore.JWKS),
        places.ISSUER: settings.identity.issuer,
        places.AUDIENCE: settings.identity.audience,
    }


def endpoint_command() -> list[str]:
    """The token endpoint, to be run in the project's folder."""
    return [sys.executable, "-m", "flows", ENDPOINT]


def public_url(settings: Settings) -> str:
    """Where clients reach the gateway."""
    gateway = settings.gateway
    host = "localhost" if gateway.host in _ANY else gateway.host
    scheme = "http" if gateway.tls.mode == "off" else "https"
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{gateway.port}"
