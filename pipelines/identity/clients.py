"""Clients in the state store: who may ask for tokens, for what, and until when."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from pipelines.errors import IdentityError
from pipelines.identity import scopes, secret
from pipelines.state import clock
from pipelines.state.store import clients

# No dot: it ends the id in an API key.
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
API_KEY_PREFIX = "eg."


@dataclass(frozen=True)
class Client:
    """One client.

    Attributes:
        id: its name; the subject of its tokens.
        scopes: all that it may ask for.
        tier: of its rate limit.
        created: UTC, to the second.
        expires: unix seconds, from which on it gets nothing; None for never.
        has_api_key: whether the gateway takes its secret in place of a token.
    """

    id: str
    scopes: tuple[str, ...]
    tier: str
    created: str
    expires: float | None = None
    has_api_key: bool = False

    def is_good(self, now: float) -> bool:
        """Whether it may get a token at `now`, unix seconds."""
        return self.expires is None or now < self.expires

    def to_json(self) -> dict[str, Any]:
        return {**self.__dict__, "scopes": list(self.scopes)}


def add(engine: sa.Engine, client: Client, tiers: Sequence[str]) -> str:
    """Write a new client, and return its secret, which nobody can ask for again.

    Args:
        client: who it is; `created` is set here.
        tiers: those of params.yaml.

    Raises:
        IdentityError: the id is taken or not usable, or a scope or the tier is unknown.
    """
    if not _ID.fullmatch(client.id):
        raise IdentityError(
            f"{client.id!r} is no client id",
            where="client",
            next_step="use lower-case letters, digits, - and _ only, at most 63",
        )
    if client.tier not in tiers:
        raise IdentityError(
            f"unknown tier {client.tier!r}; there are {', '.join(sorted(tiers))}",
            where=f"client {client.id}",
            next_step="use one of them, or add it to identity.tiers in params.yaml",
        )
    made = secret.generate()
    row = {
        "id": client.id,
        "secret": secret.hashed(made),
        "scopes": list(scopes.parse(client.scopes)),
        "tier": client.tier,
        "created": clock.now(),
        "expires": client.expires,
        "has_api_key": client.has_api_key,
    }
    try:
        with engine.begin() as connection:
            connection.execute(clients.insert().values(**row))
    except sa.exc.IntegrityError as error:
        raise IdentityError(
            "there is a client of this id",
            where=f"client {client.id}",
            next_step=f"choose another, or `evergreen client remove {client.id}` first",
        ) from error
    return made


def remove(engine: sa.Engine, client: str) -> None:
    """Forget a client; tokens that it has go on until they expire.

    Raises:
        IdentityError: there is no such client.
    """
    with engine.begin() as connection:
        removed = connection.execute(clients.delete().where(clients.c.id == client))
    if removed.rowcount == 0:
        raise _unknown(client)


def every(engine: sa.Engine) -> list[Client]:
    """All clients, by id."""
    with engine.connect() as connection:
        rows = connection.execute(clients.select().order_by(clients.c.id)).all()
    return [_client(row) for row in rows]


def find(engine: sa.Engine, client: str) -> Client:
    """A client by its id.

    Raises:
        IdentityError: there is no such client.
    """
    found = kept(engine, client)
    if found is None:
        raise _unknown(client)
    return found[0]


def kept(engine: sa.Engine, client: str) -> tuple[Client, str] | None:
    """A client and what is kept of its secret, or None."""
    if not _ID.fullmatch(client):
        return None  # no database is asked about what strangers write
    with engine.connect() as connection:
        row = connection.execute(clients.select().where(clients.c.id == client)).one_or_none()
    return None if row is None else (_client(row), row.secret)


def api_key(client: str, secret: str) -> str:
    """A client's secret as an API key."""
    return f"{API_KEY_PREFIX}{client}.{secret}"


def parts_of(key: str) -> tuple[str, str] | None:
    """The client id and the secret of an API key; None if it is none."""
    head, dot, rest = key.removeprefix(API_KEY_PREFIX).partition(".")
    return (head, rest) if key.startswith(API_KEY_PREFIX) and dot and head and rest else None


def _client(row: sa.Row[Any]) -> Client:
    return Client(
        row.id, tuple(row.scopes), row.tier, row.created, row.expires, bool(row.has_api_key)
    )


def _unknown(client: str) -> IdentityError:
    return IdentityError(
        "there is no such client",
        where=f"client {client[:80]!r}",
        next_step="`evergreen client list` shows those there are; `client add` makes one",
    )
