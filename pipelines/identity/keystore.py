"""The ring of signing keys on disk, and the JWKS file beside it.

`signing-keys.json` is the truth and its owner's; `jwks.json` follows from it and is for all. Both
are replaced as a whole, the truth first: whoever is killed in between is set right by the next one
who opens the ring.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipelines import jwks
from pipelines.errors import IdentityError
from pipelines.files import write_json
from pipelines.identity import keys
from pipelines.identity.keys import Ring, SigningKey
from pipelines.identity.private import locked, read_private, write_private

RING = "signing-keys.json"
JWKS = "jwks.json"


def read(folder: Path) -> Ring:
    """The ring in `folder`.

    Raises:
        IdentityError: there is none, it is damaged, or others may read it.
    """
    path = folder / RING
    try:
        content = json.loads(read_private(path))
        ring = Ring(tuple(SigningKey(**key) for key in content["keys"]))
        known = ring.jwks()  # imports each key, so a damaged one is found here
        if [key["kid"] for key in known["keys"]] != [key.kid for key in ring.keys]:
            raise ValueError("a key has another name than it says")
    except FileNotFoundError:
        raise IdentityError(
            "there are no signing keys",
            where=str(path),
            next_step="`evergreen up` or `evergreen keys rotate` makes them",
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(path, str(error)) from error
    if not ring.keys:
        raise _damaged(path, "it holds no key")
    return ring


def ensure(folder: Path, now: float) -> Ring:
    """The ring in `folder`, made if there is none, with the JWKS file as it has to be."""
    with locked(folder):
        if not (folder / RING).exists():
            return _write(folder, Ring((keys.generate(now, now),)))
        ring = read(folder)
        if not _is_published(folder, ring):
            _publish(folder, ring)
        return ring


def rotate(folder: Path, now: float, lead_seconds: float = keys.LEAD_SECONDS) -> Ring:
    """Add a key that signs after `lead_seconds`; until then, and after, nobody is refused.

    Raises:
        IdentityError: a rotation is under way, or the ring cannot be read.
    """
    with locked(folder):
        if not (folder / RING).exists():
            return _write(folder, Ring((keys.generate(now, now),)))
        return _write(folder, keys.rotated(keys.pruned(read(folder), now), now, lead_seconds))


def revoke(folder: Path, now: float) -> Ring:
    """Replace all keys by a new one that signs at once: every token out there ends.

    Reads nothing, so it is also the way out of a ring that is damaged.
    """
    with locked(folder):
        return _write(folder, Ring((keys.generate(now, now),)))


def keep(folder: Path, now: float, key_days: float) -> Ring:
    """Drop the keys whose time is over, and rotate if it is time.

    Raises:
        IdentityError: the ring cannot be read.
    """
    with locked(folder):
        ring = read(folder)
        kept = keys.pruned(ring, now)
        if keys.is_due(kept, now, key_days):
            kept = keys.rotated(kept, now)
        if kept != ring:
            _write(folder, kept)
        elif not _is_published(folder, ring):
            _publish(folder, ring)
        return kept


def _write(folder: Path, ring: Ring) -> Ring:
    content = {"keys": [asdict(key) for key in ring.keys]}
    write_private(json.dumps(content, indent=2).encode(), folder / RING)
    _publish(folder, ring)
    return ring


def _publish(folder: Path, ring: Ring) -> None:
    write_json(ring.jwks(), folder / JWKS)


def _is_published(folder: Path, ring: Ring) -> bool:
    try:
        known: dict[str, Any] = jwks.read(folder / JWKS)
    except IdentityError:
        return False  # it is written anew: nothing in it is not in the ring
    return known == ring.jwks()


def _damaged(path: Path, problem: str) -> IdentityError:
    return IdentityError(
        f"the signing keys cannot be used: {problem}",
        where=str(path),
        next_step="restore the file, or make new keys with `evergreen keys rotate --revoke`, "
        "which ends every token",
    )
