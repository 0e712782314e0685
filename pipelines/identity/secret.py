"""Client secrets: made here, and kept as what scrypt makes of them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from pipelines.errors import IdentityError

_SECRET_BYTES = 32
_SALT_BYTES = 16
# 16 MiB and some 40 ms a guess: OWASP's smallest advice. Ours cannot be guessed at any price, but a
# person may bring one of their own into the database.
_LOG2_N, _R, _P = 14, 8, 1


def generate() -> str:
    """A new secret: 256 bits, as 43 characters that fit into a URL, a header and a shell."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def hashed(secret: str) -> str:
    """What is kept of a secret: `scrypt$14$8$1$SALT$DIGEST`."""
    salt = secrets.token_bytes(_SALT_BYTES)
    digest = _scrypt(secret, salt, _LOG2_N, _R, _P)
    return f"scrypt${_LOG2_N}${_R}${_P}${_text(salt)}${_text(digest)}"


def matches(secret: str, kept: str) -> bool:
    """Whether `secret` is the one that `kept` was made of; takes as long either way.

    Raises:
        IdentityError: `kept` was not written by `hashed`.
    """
    try:
        kind, log2_n, r, p, salt, digest = kept.split("$")
        if kind != "scrypt":
            raise ValueError(f"unknown kind {kind!r}")
        found = _scrypt(secret, base64.b64decode(salt), int(log2_n), int(r), int(p))
        return hmac.compare_digest(found, base64.b64decode(digest, validate=True))
    except ValueError as error:
        raise IdentityError(
            f"a client's secret is not kept as it should be: {error}",
            where="state store, table clients",
            next_step="remove the client and add it again (`evergreen client remove`, `add`)",
        ) from error


def _scrypt(secret: str, salt: bytes, log2_n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(secret.encode(), salt=salt, n=1 << log2_n, r=r, p=p, dklen=32)


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
