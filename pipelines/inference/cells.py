"""What is wrong with a single value; the table of what may be is in `encode`."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

EXACT_INTEGER = 2**53
# Beyond this no measurement lies, and squares of it leave float64. Training quarantines such
# rows, so a model that is asked about one would be asked about what it cannot have seen.
LARGEST = 1e30


def number_problem(value: object) -> str | None:
    """Why a value cannot stand in a numeric column, or None if it can."""
    if value is None or isinstance(value, float | bool | np.floating | np.bool_):
        return None
    if isinstance(value, int | np.integer):
        if abs(int(value)) <= EXACT_INTEGER:
            return None
        return "an integer beyond 2**53 loses digits as a float64; it is an identifier, perhaps"
    return f"{_shown(value)} is not a number"


def category_problem(value: object) -> str | None:
    """Why a value cannot stand in a category column, or None if it can."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if not isinstance(value, str):
        return f"{_shown(value)} is not a string"
    return None if is_encodable([value]) else "the string is not valid Unicode"


def is_encodable(values: Iterable[object]) -> bool:
    """Whether ONNX Runtime can take the strings: JSON can spell half of a surrogate pair."""
    try:
        "".join(value for value in values if isinstance(value, str)).encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(value: object) -> str:
    # Only of what is short: a nested list or an integer of many digits may not even have a repr.
    if isinstance(value, str | float | bool):
        text = repr(value)
        return text if len(text) <= 40 else f"{text[:37]}..."
    return f"a value of the type {type(value).__name__}"
