"""Public keys that tokens are verified by, as a JWKS document (RFC 7517).

Belongs here what the gateway's files, the token endpoint and a model server have to agree on.
A document that holds a private or a symmetric key is refused as a whole: with a symmetric one,
whoever can verify a token could also make one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipelines.errors import IdentityError

# What our own keys sign with.
ALGORITHM = "ES256"
# What is verified: of providers, too. All of it asymmetric, and bound to the type of the key.
ALGORITHMS = (
    "ES256",
    "ES384",
    "ES512",
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "EdDSA",
)
_TYPES = frozenset({"EC", "RSA", "OKP"})
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


def parse(content: bytes | str, where: str) -> dict[str, Any]:
    """The document, checked.

    Raises:
        IdentityError: it is no JWKS, is empty, or holds a key that must not be in it.
    """
    try:
        document = json.loads(content)
        keys = document["keys"]
        problem = _problem(keys)
    except (ValueError, KeyError, TypeError) as error:
        problem = f"not a JWKS: {error!r}"
    if problem is not None:
        raise IdentityError(problem, where=where, next_step=_NEXT)
    return {"keys": keys}


def read(path: Path) -> dict[str, Any]:
    """The document in a file.

    Raises:
        IdentityError: there is no such file, or as `parse` does.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise IdentityError(
            f"no JWKS there: {error.strerror}", where=str(path), next_step=_NEXT
        ) from error
    return parse(content, str(path))


_NEXT = (
    "`evergreen keys rotate --revoke` writes the keys anew; or name the file of your provider's "
    "public keys (EC, RSA or OKP)"
)


def _problem(keys: list[dict[str, Any]]) -> str | None:
    if not isinstance(keys, list) or not keys:
        return "holds no key"
    for number, key in enumerate(keys):
        if key["kty"] not in _TYPES:
            return f"keys[{number}] is of the type {key['kty']!r}; only EC, RSA and OKP are taken"
        if private := sorted(_PRIVATE & key.keys()):
            return f"keys[{number}] holds its private part ({', '.join(private)})"
    return None
