"""The token endpoint as a process, and what its verbs do."""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path
from typing import Any

from pipelines import settings
from pipelines.errors import IdentityError
from pipelines.identity import clients, keys, keystore, tokens
from pipelines.identity.authentication import Authentication
from pipelines.identity.clients import Client
from pipelines.identity.endpoint import Endpoint, application
from pipelines.identity.keys import Ring
from pipelines.paths import home
from pipelines.settings import Settings
from pipelines.stack import secured
from pipelines.state import store

LOOPBACK = "127.0.0.1"


def serve(root: Path) -> None:
    """Run the token endpoint in the foreground until SIGTERM or Ctrl-C.

    Raises:
        IdentityError: params.yaml wants none, or keys or certificate cannot be used.
    """
    import uvicorn

    known = settings.load(root)
    app = application(endpoint(root, known))
    with _listening(known.identity.port) as listener:
        print(f"token endpoint on http://{LOOPBACK}:{known.identity.port}", flush=True)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", server_header=False))
        server.run(sockets=[listener])


def _listening(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
    except OSError as error:
        listener.close()
        raise IdentityError(
            f"the token endpoint cannot listen: {error.strerror}",
            where=f"{LOOPBACK}:{port}",
            next_step="end what listens there, or set another identity.port in params.yaml",
        ) from error
    return listener


def endpoint(root: Path, known: Settings) -> Endpoint:
    """What the endpoint of this project is made of, with everything it needs in its place.

    Raises:
        IdentityError: as `serve` does.
    """
    _require_endpoint(known)
    places = home(root)
    secured.secure(known, places, time.time())
    return Endpoint(
        Authentication(store.connect(places.database), time.time, time.monotonic),
        _terms(known),
        lambda: keystore.read(places.keys),
        secured.public_url(known),
        lambda: _keep_up(known, root),
        takes_api_keys=known.identity.api_keys,
    )


def issue(root: Path, client: str, scope: str | None) -> dict[str, Any]:
    """A token for a client, without its secret: whoever may read the keys needs none.

    Raises:
        IdentityError: there is no such client, it has expired, or may not have the scope.
    """
    known, places = settings.load(root), home(root)
    _require_endpoint(known)
    found = clients.find(store.connect(places.database), client)
    keystore.ensure(places.keys, time.time())
    made = tokens.Tokens(_terms(known), lambda: keystore.read(places.keys), time.time)
    return tokens.issue(made, found, scope, time.time())


def add_client(root: Path, client: Client) -> str:
    """Write a client, and return its secret.

    Raises:
        IdentityError: the id is taken, or a scope, a model or the tier is unknown.
    """
    known = settings.load(root)
    _require_known_models(client, known)
    engine = store.connect(home(root).database)
    if client.has_api_key and not known.identity.api_keys:
        raise IdentityError(
            "the gateway takes no API keys",
            where=f"client {client.id}",
            next_step="set identity.api_keys: true in params.yaml, or leave --api-key out",
        )
    return clients.add(engine, client, tuple(known.identity.tiers))


def remove_client(root: Path, client: str) -> None:
    """Forget a client; raises IdentityError if there is none."""
    clients.remove(store.connect(home(root).database), client)


def list_clients(root: Path) -> list[Client]:
    """All clients, by id."""
    return clients.every(store.connect(home(root).database))


def rotate_keys(root: Path, *, is_revoking: bool) -> Ring:
    """Begin to sign with a new key, and tell the gateway; with `is_revoking`, with it alone.

    Raises:
        IdentityError: a rotation is under way, or the keys cannot be read.
    """
    known, places, now = settings.load(root), home(root), time.time()
    _require_endpoint(known)
    change = keystore.revoke if is_revoking else keystore.rotate
    ring = change(places.keys, now)
    secured.secure(known, places, now)
    return ring


def say_if_off(known: Settings) -> None:
    """Say on standard error, loudly, that nobody is asked who they are."""
    from pipelines.gateway import identity_filters

    if warning := identity_filters.off_warning(known):
        print(warning, file=sys.stderr, flush=True)


def signs_from(ring: Ring) -> float:
    """When the newest key begins to sign, unix seconds."""
    return ring.keys[-1].signs_from


def _keep_up(known: Settings, root: Path) -> None:
    secured.secure(known, home(root), time.time())


def _terms(known: Settings) -> tokens.Terms:
    identity = known.identity
    seconds = min(identity.token_minutes * 60, keys.MOST_TOKEN_SECONDS)
    return tokens.Terms(identity.issuer, identity.audience, seconds)


def _require_endpoint(known: Settings) -> None:
    if secured.has_endpoint(known):
        return
    why = "identity.mode is off" if known.identity.mode == "off" else "tokens are of a provider"
    raise IdentityError(
        f"{why}, so there is no token endpoint and no key of ours",
        where="params.yaml: identity",
        next_step="set identity.mode: jwt without jwks_url, or ask the provider",
    )


def _require_known_models(client: Client, known: Settings) -> None:
    models = {*known.models, *known.chain, "*"}
    named = {scope.partition(":")[2] for scope in client.scopes if scope.startswith("predict:")}
    if unknown := sorted(named - models):
        raise IdentityError(
            f"there is no model {', '.join(unknown)}",
            where=f"client {client.id}: scope",
            next_step=f"name one of {', '.join(sorted(models))}",
        )
