"""Identifiers under a key: the same person is recognised, and not known.

Without a key a digest hides nothing: whoever can guess an identifier (a phone number, say) can
digest all of them and compare.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable

# 128 bits. Among a billion identifiers two meet with a chance of 1e-21; with half as many bits
# it would be 3 %, and two people would be one.
HEX_DIGITS = 32
KEY_BYTES = 16


def digests(key: bytes, column: str, values: Iterable[str | float | None]) -> list[str | None]:
    """HMAC-SHA-256 of each value, cut to `HEX_DIGITS`; None stays None.

    The column's name goes in, so that equal values of two columns cannot be linked. To look up a
    known identifier give it as its text, a whole number without a point: `12345`.
    """
    start = column.encode() + b"\0"
    return [
        None
        if value is None
        else hmac.digest(key, start + _text(value).encode(), "sha256").hex()[:HEX_DIGITS]
        for value in values
    ]


def _text(value: str | float) -> str:
    if isinstance(value, str):
        return value
    return str(int(value)) if value.is_integer() else repr(value)
