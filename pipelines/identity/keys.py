"""The keys that sign tokens, as values: which one signs now, and which are published.

A rotation needs no second step at the right moment. A new key says itself from when on it signs;
until then it is only published, so that everybody who verifies has it first. The old one stays
published until the last token that it can have signed has expired. All of it follows from the
keys and the clock, so a process that was down for a while has missed nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from joserfc.jwk import ECKey

from pipelines.errors import IdentityError
from pipelines.jwks import ALGORITHM

# The longest that a token of ours is good for (the settings allow no more), and how far the
# clocks of two machines may be apart.
MOST_TOKEN_SECONDS = 600.0
CLOCK_SKEW_SECONDS = 10.0
# How long a new key is published before it signs. Gateway and servers see it within a second;
# the rest is for a busy machine, and for caches of /jwks.json.
LEAD_SECONDS = 30.0


@dataclass(frozen=True)
class SigningKey:
    """One key.

    Attributes:
        kid: its name in the header of a token, a digest of the public key (RFC 7638).
        created: unix seconds.
        signs_from: unix seconds; it is published before, and signs from then on.
        private: the whole JWK.
    """

    kid: str
    created: float
    signs_from: float
    # Kept out of `repr`, and so out of every traceback and log.
    private: Mapping[str, Any] = field(repr=False)

    @property
    def public(self) -> dict[str, Any]:
        """The JWK without its private part."""
        key: ECKey = ECKey.import_key(dict(self.private))
        return dict(key.as_dict(private=False))


@dataclass(frozen=True)
class Ring:
    """All keys that are in use, the oldest first; never none."""

    keys: tuple[SigningKey, ...]

    def signing(self, now: float) -> SigningKey:
        """The key that signs at `now`, unix seconds: the newest that may."""
        ready = [key for key in self.keys if key.signs_from <= now]
        # A clock that was set back finds them all in the future; the oldest is the best known.
        return ready[-1] if ready else self.keys[0]

    def jwks(self) -> dict[str, Any]:
        """The public keys, as everybody may see them."""
        return {"keys": [key.public for key in self.keys]}


def generate(now: float, signs_from: float) -> SigningKey:
    """A new key on the curve P-256."""
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": ALGORITHM}, private=True)
    kid = key.thumbprint()
    return SigningKey(kid, now, signs_from, {**key.as_dict(private=True), "kid": kid})


def rotated(ring: Ring, now: float, lead_seconds: float = LEAD_SECONDS) -> Ring:
    """The ring with a new key, which signs after `lead_seconds`.

    Raises:
        IdentityError: the newest key does not sign yet.
    """
    newest = ring.keys[-1]
    if newest.signs_from > now:
        raise IdentityError(
            f"a rotation is under way: key {newest.kid[:8]} signs in "
            f"{newest.signs_from - now:.0f} s",
            where="signing keys",
            next_step="wait for it; if a key leaked, `evergreen keys rotate --revoke` ends all "
            "tokens at once",
        )
    return Ring((*ring.keys, generate(now, now + lead_seconds)))


def pruned(ring: Ring, now: float) -> Ring:
    """The ring without the keys whose last token has expired."""
    keys = tuple(
        key
        for key, successor in pairwise(ring.keys)
        if now <= successor.signs_from + MOST_TOKEN_SECONDS + CLOCK_SKEW_SECONDS
    )
    return Ring((*keys, ring.keys[-1]))


def is_due(ring: Ring, now: float, key_days: float) -> bool:
    """Whether the newest key has signed for so long that another should follow."""
    return now - ring.keys[-1].signs_from > key_days * 86_400
