"""What a client may ask for. Scopes are the words that the gateway and the servers check."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pipelines.errors import IdentityError

FEEDBACK = "feedback"
DEBUG = "debug"
ADMIN = "admin"
EVERY_MODEL = "predict:*"
_PREDICT = "predict:"
_SCOPE = re.compile(r"predict:(\*|[a-z][a-z0-9_]{0,39})|feedback|debug|admin")


def predict(model: str) -> str:
    """The scope that lets its bearer ask one model."""
    return f"{_PREDICT}{model}"


def parse(scopes: Iterable[str]) -> tuple[str, ...]:
    """Scopes as they are kept: each once, in order.

    Raises:
        IdentityError: one of them is no scope, or there is none.
    """
    known = tuple(sorted(set(scopes)))
    wrong = [scope for scope in known if not _SCOPE.fullmatch(scope)]
    if wrong or not known:
        raise IdentityError(
            f"no such scope: {', '.join(wrong)}" if wrong else "no scope, so nothing is allowed",
            where="scope",
            next_step=f"use predict:MODEL, {EVERY_MODEL}, {FEEDBACK}, {DEBUG} or {ADMIN}",
        )
    return known


def granted(allowed: Iterable[str], asked: str | None) -> tuple[str, ...] | None:
    """What a client gets that asks for `asked` (words with spaces between); None if too much.

    Whoever asks for nothing gets all that is allowed. `predict:*` covers each model by name, so
    that a client can ask for less than it may.
    """
    held = frozenset(allowed)
    if asked is None:
        return tuple(sorted(held))
    words = tuple(sorted(set(asked.split())))
    if not words:
        return None
    if all(_SCOPE.fullmatch(word) and _covers(held, word) for word in words):
        return words
    return None


def _covers(held: frozenset[str], word: str) -> bool:
    return word in held or (word.startswith(_PREDICT) and EVERY_MODEL in held)
