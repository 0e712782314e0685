"""How numbers are written on a page, independent of the machine's locale."""

from __future__ import annotations

import math

# U+202F: groups digits the way SI asks, and does not break over a line.
_THIN_SPACE = "\N{NARROW NO-BREAK SPACE}"
NOTHING = "\N{EN DASH}"


def count(value: int | None) -> str:
    """A whole number with its thousands set apart: 336 776."""
    return NOTHING if value is None else f"{value:,}".replace(",", _THIN_SPACE)


def share(value: float | None) -> str:
    """A share of 1 as a percentage that never rounds something to nothing, or all but all.

    0.2 is "20 %", 0.00004 is "< 0.01 %", and 0.99999 is "> 99.99 %".
    """
    if value is None or math.isnan(value):
        return NOTHING
    if 0 < value < 0.0001:
        return f"<{_THIN_SPACE}0.01{_THIN_SPACE}%"
    if 0.9999 < value < 1:
        return f">{_THIN_SPACE}99.99{_THIN_SPACE}%"
    digits = f"{100 * value:.2f}".rstrip("0").rstrip(".")
    return f"{digits}{_THIN_SPACE}%"


def number(value: float | None, digits: int = 4) -> str:
    """A measurement with so many significant digits; whole numbers are written in full."""
    if value is None:
        return NOTHING
    if isinstance(value, int) or (math.isfinite(value) and value == int(value) < 1e15):
        return count(int(value))
    return f"{value:.{digits}g}"
