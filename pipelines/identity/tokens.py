"""Access tokens: JWTs by RFC 9068, signed by the key whose turn it is.

The claims `scope` and `tier` are what the gateway decides by; `sub` is the client, because nobody
else is involved in client credentials.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from joserfc import jwt
from joserfc.jwk import ECKey

from pipelines.errors import IdentityError
from pipelines.identity import scopes
from pipelines.identity.clients import Client
from pipelines.identity.keys import Ring
from pipelines.jwks import ALGORITHM

GRANT = "client_credentials"


@dataclass(frozen=True)
class Terms:
    """What every token says.

    Attributes:
        issuer, audience: who made it, and whom it is for.
        seconds: how long it is good for; less for a client that expires sooner.
    """

    issuer: str
    audience: str
    seconds: float


class Tokens(JWTBearerTokenGenerator):
    """Authlib's generator, with our keys and claims.

    Args:
        terms: what every token says.
        ring: gives the keys of this moment; asked for each token, so a rotation is seen at once.
        clock: gives unix seconds.
    """

    def __init__(self, terms: Terms, ring: Callable[[], Ring], clock: Callable[[], float]) -> None:
        super().__init__(terms.issuer, ALGORITHM, expires_generator=self._seconds)
        self._terms = terms
        self._ring = ring
        self._clock = clock

    def access_token_generator(self, client: Any, grant_type: str, user: object, scope: str) -> str:
        """A signed token; Authlib's own would name no key, and take the time from elsewhere."""
        now, key = self._clock(), self._ring().signing(self._clock())
        claims = {
            "iss": self._terms.issuer,
            "aud": self._terms.audience,
            "sub": client.get_client_id(),
            "client_id": client.get_client_id(),
            "jti": self.get_jti(client, grant_type, user, scope),
            "iat": int(now),
            "nbf": int(now),
            "exp": int(now) + self._seconds(client, grant_type),
            "scope": scope,
            "tier": client.known.tier,
        }
        header = {"alg": ALGORITHM, "typ": "at+jwt", "kid": key.kid}
        return jwt.encode(header, claims, ECKey.import_key(dict(key.private)))

    def _seconds(self, client: Any, _grant_type: str) -> int:
        left = (
            self._terms.seconds
            if client.known.expires is None
            else client.known.expires - self._clock()
        )
        return max(1, int(min(self._terms.seconds, left)))


@dataclass(frozen=True)
class Bearer:
    """A client as Authlib asks about it."""

    known: Client

    def get_client_id(self) -> str:
        """The subject of its tokens."""
        return self.known.id

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """What it gets of what it asks for; None refuses it all."""
        words = scopes.granted(self.known.scopes, scope)
        return None if words is None else " ".join(words)


def issue(tokens: Tokens, client: Client, scope: str | None, now: float) -> dict[str, Any]:
    """A token for a client without its secret: for whoever may read the signing keys anyway.

    Returns:
        The answer of a token endpoint: access_token, token_type, expires_in, scope.

    Raises:
        IdentityError: the client has expired, or may not have such a scope.
    """
    bearer = Bearer(client)
    if not client.is_good(now):
        raise IdentityError(
            "the client has expired",
            where=f"client {client.id}",
            next_step=f"`evergreen client remove {client.id}`, and add it again",
        )
    if bearer.get_allowed_scope(scope) is None:
        raise IdentityError(
            f"it may not have the scope {scope!r}; it may have {' '.join(client.scopes)}",
            where=f"client {client.id}",
            next_step="ask for less, or add a client that may have more",
        )
    token: dict[str, Any] = tokens(GRANT, bearer, scope=scope, include_refresh_token=False)
    return token
