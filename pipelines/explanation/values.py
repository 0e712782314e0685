"""What a row has where a contribution is shown: a number, a name, the mean of a patch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pipelines.inference.encode import Tensors
from pipelines.schema import CATEGORIES, MISSING_CATEGORY, NUMBERS, Schema

Value = float | str | None


def value_of(schema: Schema, rows: Tensors, place: int, columns: Sequence[str]) -> Value:
    """The value of a feature in a row, or the mean over the columns of a patch.

    Returns:
        None if it is missing.
    """
    if columns[0] in schema.categories:
        text = str(rows[CATEGORIES][place, schema.categories.index(columns[0])])
        return None if text == MISSING_CATEGORY else text
    known = rows[NUMBERS][place, [schema.numbers.index(name) for name in columns]]
    known = known[~np.isnan(known)]
    return float(known.mean()) if known.size else None


def shown(value: Value) -> str:
    """The value as it is written beside its feature."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "missing"
    if isinstance(value, str):
        return value
    # Without marks between thousands: it may be a year, or somebody's code.
    return str(int(value)) if value == int(value) else f"{value:.4g}"
