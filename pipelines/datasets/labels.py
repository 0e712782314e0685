"""Turn a column with two distinct values into the event that is predicted, and its absence."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pipelines.errors import DataError

_YES = frozenset({"yes", "true", "y", "t", "positive"})
_SHOWN = 5


def binary(column: pd.Series, *, where: str) -> pd.Series:
    """A label column as 1.0 (the event), 0.0 and NaN (not known).

    Which of the two values is the event does not depend on their order or frequency:

    1. true of true and false; the larger of two numbers;
    2. of two texts the one that says yes (yes, true, y, t, positive, in any case), if one does;
    3. else the one that is later in the alphabet (Unicode order): "lost" of "kept" and "lost".

    Empty cells are unknown, and so are NaN and null.

    Args:
        column: all rows of the source, so that the months of a window share one rule.
        where: file and column, for messages.

    Raises:
        DataError: no value at all, one, or more than two.
    """
    known = column.where(column.astype(object) != "").dropna()
    values: list[Any] = pd.unique(known).tolist()
    if len(values) != 2:
        raise DataError(_count(values, len(column)), where=where, next_step=_NEXT[len(values) > 1])
    event = _event(values, where)
    label = pd.Series(float("nan"), index=column.index, name=column.name, dtype="float64")
    label[known.index] = (known == event).astype("float64")
    return label


_NEXT = {
    True: "derive a column with two values (classification into two classes is what is trained)",
    False: "take in more data, or name another column as ingest.target",
}


def _count(values: list[Any], rows: int) -> str:
    if not values:
        return f"the target has no value in any of {rows} rows"
    if len(values) == 1:
        return f"the target has one class only, {values[0]!r}, in all labelled rows"
    shown = ", ".join(repr(value) for value in values[:_SHOWN])
    return f"the target has {len(values)} distinct values, not two: {shown}, ..."


def _event(values: list[Any], where: str) -> Any:
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) == 1:
        raise DataError(
            f"the target mixes text and other values: {values[0]!r} and {values[1]!r}",
            where=where,
            next_step="write both classes in one type",
        )
    agreeing = [value for value in texts if value.strip().lower() in _YES]
    return agreeing[0] if len(agreeing) == 1 else max(values)
