"""Decide what each column of a table is, and give features one of two types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from pipelines.datasets.sources import redact
from pipelines.datasets.sources.reading import NOTHING, kind_of
from pipelines.errors import DataError, SettingsError
from pipelines.settings import IngestSettings

# A text column with this share of distinct values names rows; it does not describe them.
_IDENTIFIER_SHARE = 0.95
_IDENTIFIER_ROWS = 20


def roles(columns: Iterable[str], target: str, settings: IngestSettings) -> list[str]:
    """The names of the features, after every column that the settings name was found.

    Raises:
        SettingsError: a column has two roles.
        DataError: a column that the settings name is missing, or no feature is left.
    """
    names = list(columns)
    special = {"target": target, "time": settings.time, "group": settings.group}
    taken = {key: name for key, name in special.items() if name is not None}
    _check_roles(taken, settings)
    wanted = [*taken.items(), *(("ignore", name) for name in settings.ignore)]
    wanted += [("categories", name) for name in settings.categories]
    missing = [f"{name!r} (ingest.{key})" for key, name in wanted if name not in names]
    if missing:
        raise DataError(
            f"there is no column {', '.join(missing)}; there are: {', '.join(names)}",
            where=redact(settings.source),
            next_step="name columns that the source has, or mend the source",
        )
    left = [name for name in names if name not in {*taken.values(), *settings.ignore}]
    if not left:
        raise DataError(
            "no column is left to predict from",
            where=redact(settings.source),
            next_step="shorten ingest.ignore, or use a source with features",
        )
    return left


def feature(column: pd.Series, *, is_category: bool, where: str) -> pd.Series:
    """A feature as float64, or as strings with null for what is empty.

    Raises:
        DataError: it has no value, or is neither number, true/false nor text.
    """
    kind = kind_of(column)
    if kind == NOTHING:
        raise DataError(
            "the column is empty in every row",
            where=where,
            next_step="list it in ingest.ignore, or mend the source",
        )
    if is_category:
        return _texts(column)
    if kind in {"number", "true or false"}:
        return column.astype("float64")
    if kind == "text":
        return _texts(column)
    raise DataError(
        f"holds {kind}, which is neither number nor text",
        where=where,
        next_step="list it in ingest.ignore, or derive numbers from it (for a time, hour or age); "
        "the one column that dates the rows is ingest.time",
    )


def check_not_identifiers(
    columns: Mapping[str, pd.Series] | pd.DataFrame,
    categories: Iterable[str],
    settings: IngestSettings,
) -> None:
    """Refuse text features that name each row: a model learns them by heart.

    Raises:
        DataError: nearly every value of a category is a value of its own.
    """
    for name in categories:
        known = columns[name].dropna()
        distinct = known.nunique()
        if len(known) >= _IDENTIFIER_ROWS and distinct >= _IDENTIFIER_SHARE * len(known):
            raise DataError(
                f"{distinct} distinct texts in {len(known)} rows: an identifier, not a feature",
                where=f"{redact(settings.source)}: {name}",
                next_step="list it in ingest.ignore (or as ingest.group, if rows can share it)",
            )


def _check_roles(taken: Mapping[str, str], settings: IngestSettings) -> None:
    pairs: list[tuple[str, str]] = [*taken.items()]
    pairs += [("ignore", name) for name in settings.ignore]
    pairs += [("categories", name) for name in settings.categories]
    first: dict[str, str] = {}
    for key, name in pairs:
        other = first.setdefault(name, key)
        if other != key:
            raise SettingsError(
                f"column {name!r} is also ingest.{other}",
                where=f"params.yaml: ingest.{key}",
                next_step="give each column one role",
            )


def _texts(column: pd.Series) -> pd.Series:
    known = column.dropna()
    texts = known.map(_text).astype(object).reindex(column.index)
    # The string type of pandas, also when every row has a value: months must agree.
    return texts.where(texts != "").astype("str")


def _text(value: Any) -> str:
    # A whole number turns into a float as soon as one row lacks it; its name must not change.
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
