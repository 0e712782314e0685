"""Verbs about who may ask: clients, tokens, keys, and the endpoint itself."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from flows.cli.app import AsJson, app, root_folder

client = typer.Typer(no_args_is_help=True, help="Who may ask for tokens.")
keys = typer.Typer(no_args_is_help=True, help="The keys that sign tokens.")
app.add_typer(client, name="client")
app.add_typer(keys, name="keys")

ClientId = Annotated[str, typer.Argument(metavar="CLIENT", help="Its id.")]


@client.command("add")
def add(
    name: ClientId,
    scope: Annotated[
        list[str],
        typer.Option(help="predict:MODEL, predict:*, feedback, debug, admin; once for each."),
    ],
    tier: Annotated[str, typer.Option(help="Of identity.tiers.")] = "standard",
    days: Annotated[
        float | None, typer.Option(min=0.001, help="Good for so long; for ever by default.")
    ] = None,
    has_api_key: Annotated[
        bool, typer.Option("--api-key", help="The gateway takes its secret as a key.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Add a client, and print its secret, once."""
    from flows import identity
    from flows.views.identity import show_secret
    from pipelines.identity.clients import Client

    expires = None if days is None else time.time() + days * 86_400
    made = Client(name, tuple(scope), tier, "", expires, has_api_key)
    show_secret(made, identity.add_client(root_folder(), made), as_json=as_json)


@client.command("remove")
def remove(name: ClientId) -> None:
    """Forget a client: it gets no more tokens, and those it has end within ten minutes."""
    from flows import identity

    identity.remove_client(root_folder(), name)


@client.command("list")
def show(as_json: AsJson = False) -> None:
    """Every client, and what it may ask for."""
    from flows import identity
    from flows.views.identity import show_clients

    show_clients(identity.list_clients(root_folder()), as_json=as_json)


@app.command()
def token(
    name: ClientId,
    scope: Annotated[
        list[str] | None, typer.Option(help="Less than all it may have; once for each.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """A token for a client, for whoever may read this machine's keys."""
    from flows import identity
    from flows.views.identity import show_token

    asked = " ".join(scope) if scope else None
    show_token(identity.issue(root_folder(), name, asked), as_json=as_json)


@keys.command("rotate")
def rotate(
    is_revoking: Annotated[
        bool, typer.Option("--revoke", help="Drop all others at once: every token ends.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Publish a new key, which signs half a minute later; nobody is refused."""
    from flows import identity
    from flows.views.identity import show_keys

    show_keys(identity.rotate_keys(root_folder(), is_revoking=is_revoking), as_json=as_json)


@app.command("identity", hidden=True)
def endpoint() -> None:
    """Run the token endpoint; `evergreen up` does."""
    from flows import identity

    identity.serve(root_folder())
