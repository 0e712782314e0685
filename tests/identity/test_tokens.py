"""Tokens: what they say, for how long, and by which key."""

from __future__ import annotations

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from pipelines.errors import IdentityError
from pipelines.identity import keys
from pipelines.identity.clients import Client
from pipelines.identity.keys import Ring
from pipelines.identity.tokens import Terms, Tokens, issue

NOW = 1_800_000_000.5
RING = Ring((keys.generate(NOW, NOW - 1),))
TERMS = Terms("https://evergreen.localhost", "evergreen", 600.0)
SHOP = Client("shop", ("feedback", "predict:flights"), "gold", "2026-01-01T00:00:00Z")


def _tokens(ring: Ring = RING) -> Tokens:
    return Tokens(TERMS, lambda: ring, lambda: NOW)


def test_a_token_says_all_that_rfc_9068_wants_and_the_tier() -> None:
    answer = issue(_tokens(), SHOP, "predict:flights", NOW)
    decoded = jwt.decode(answer["access_token"], KeySet.import_key_set(RING.jwks()))  # type: ignore[arg-type]
    jti = decoded.claims.pop("jti")
    assert len(jti) >= 16
    assert decoded.header == {"alg": "ES256", "typ": "at+jwt", "kid": RING.keys[0].kid}
    assert decoded.claims == {
        "iss": "https://evergreen.localhost",
        "aud": "evergreen",
        "sub": "shop",
        "client_id": "shop",
        "iat": int(NOW),
        "nbf": int(NOW),
        "exp": int(NOW) + 600,
        "scope": "predict:flights",
        "tier": "gold",
    }
    assert answer["token_type"] == "Bearer"
    assert answer["expires_in"] == 600
    assert "refresh_token" not in answer


def test_no_two_tokens_are_the_same() -> None:
    assert len({issue(_tokens(), SHOP, None, NOW)["access_token"] for _ in range(20)}) == 20


def test_a_token_ends_with_its_client() -> None:
    short = Client("shop", ("feedback",), "gold", "", expires=NOW + 42)
    answer = issue(_tokens(), short, None, NOW)
    assert answer["expires_in"] == 42
    with pytest.raises(IdentityError, match="expired"):
        issue(_tokens(), Client("shop", ("feedback",), "gold", "", expires=NOW), None, NOW)


def test_a_new_key_signs_when_its_time_has_come() -> None:
    ring = keys.rotated(RING, NOW, lead_seconds=5)
    for late, key in ((0.0, ring.keys[0]), (5.0, ring.keys[1])):
        made = Tokens(TERMS, lambda: ring, lambda late=late: NOW + late)  # type: ignore[misc]
        token = issue(made, SHOP, None, NOW)["access_token"]
        decoded = jwt.decode(token, KeySet.import_key_set(ring.jwks()))  # type: ignore[arg-type]
        assert decoded.header["kid"] == key.kid


def test_nobody_gets_a_scope_that_is_not_theirs() -> None:
    with pytest.raises(IdentityError, match="may not have the scope"):
        issue(_tokens(), SHOP, "feedback debug", NOW)
