"""What the verbs about identity print. A secret is printed once, and kept nowhere."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from flows.views.printing import print_json
from pipelines.identity import clients
from pipelines.identity.clients import Client
from pipelines.identity.keys import Ring


def show_secret(client: Client, secret: str, *, as_json: bool) -> None:
    """The one time that a secret can be seen."""
    key = clients.api_key(client.id, secret) if client.has_api_key else None
    if as_json:
        print_json({"client_id": client.id, "client_secret": secret, "api_key": key})
        return
    print(f"client_id      {client.id}")
    print(f"client_secret  {secret}")
    if key is not None:
        print(f"api key        {key}")
    print("The secret is shown this once; what is kept cannot be turned back into it.")


def show_clients(known: list[Client], *, as_json: bool) -> None:
    """All clients."""
    if as_json:
        print_json([client.to_json() for client in known])
        return
    table = Table("client", "scopes", "tier", "created", "expires", "API key", title="clients")
    for client in known:
        ends = "never" if client.expires is None else _at(client.expires)
        has_key = "yes" if client.has_api_key else "no"
        table.add_row(
            client.id, " ".join(client.scopes), client.tier, client.created, ends, has_key
        )
    Console().print(table)


def show_token(answer: dict[str, Any], *, as_json: bool) -> None:
    """The token alone, for `$(evergreen token CLIENT)`, or the endpoint's whole answer."""
    if as_json:
        print_json(answer)
    else:
        print(answer["access_token"])


def show_keys(ring: Ring, *, as_json: bool) -> None:
    """The keys that are published, the newest last."""
    told = [{"kid": key.kid, "signs_from": _at(key.signs_from)} for key in ring.keys]
    if as_json:
        print_json(told)
        return
    table = Table("key", "signs from", title="signing keys")
    for key in told:
        table.add_row(key["kid"][:12], key["signs_from"])
    Console().print(table)


def _at(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
