"""Turn a column into what a model learns to predict: an event, a class, or a value."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pipelines.errors import DataError

_YES = frozenset({"yes", "true", "y", "t", "positive"})
_SHOWN = 5
MOST_CLASSES = 100


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


def classes(column: pd.Series, *, where: str) -> tuple[pd.Series, tuple[str, ...]]:
    """A label column as class numbers 0.0, 1.0, ... and NaN (not known), and the classes' names.

    Classes are in the order of numbers, or in that of the alphabet. They are those of all rows
    of the source, so that the months of a window share one numbering.

    Raises:
        DataError: fewer than two classes, more than `MOST_CLASSES`, or numbers among texts.
    """
    known = column.where(column.astype(object) != "").dropna()
    values: list[Any] = pd.unique(known).tolist()
    if len(values) < 2:
        raise DataError(_count(values, len(column)), where=where, next_step=_NEXT[False])
    if len(values) > MOST_CLASSES:
        raise DataError(
            f"{len(values)} distinct values are too many for classes (at most {MOST_CLASSES})",
            where=where,
            next_step="set ingest.task to regression, or derive a column with fewer values",
        )
    if len({isinstance(value, str) for value in values}) > 1:
        raise DataError("the target mixes text and other values", where=where, next_step=_ONE_TYPE)
    values.sort()
    places = {value: float(place) for place, value in enumerate(values)}
    numbered = column.astype(object).map(places).astype("float64")
    names = tuple(f"{value:g}" if isinstance(value, float) else str(value) for value in values)
    return numbered.rename(column.name), names


def values(column: pd.Series, *, where: str) -> pd.Series:
    """A label column as numbers; NaN is not known.

    Raises:
        DataError: it holds anything but numbers, or fewer than two distinct ones.
    """
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        raise DataError(
            f"a regression needs numbers, and the column holds {column.dtype}",
            where=where,
            next_step="mend the source, or set ingest.task to binary or multiclass",
        )
    distinct = pd.unique(column.dropna()).tolist()
    if len(distinct) < 2:
        raise DataError(_count(distinct, len(column)), where=where, next_step=_NEXT[False])
    return column.astype("float64")


_ONE_TYPE = "write all classes in one type"
_NEXT = {
    True: "derive a column with two values, or set ingest.task to multiclass or regression",
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
