"""Any CSV, Parquet or SQL source whose rows are already what a model is trained on.

The settings say which column is what; this module infers the rest and refuses to guess where a
wrong guess would train a wrong model.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from pipelines.datasets import labels, sources
from pipelines.datasets.base import WHOLE, Ingested
from pipelines.datasets.columns import check_not_identifiers, feature, roles
from pipelines.errors import DataError, SettingsError
from pipelines.schema import Schema
from pipelines.settings import IngestSettings

_PARAMS = "params.yaml: ingest"


class Table:
    """Rows of a table with a label column, cut into months if there is a time column.

    What each column becomes:

    - `target`: 1.0, 0.0 or NaN, by the rule of `labels.binary`; for other tasks, see there.
    - `time`: a timestamp without time zone, in UTC.
    - `group`: left as it is; never a feature.
    - numbers, and true/false as 1 and 0: float64 features.
    - text, and whatever `categories` lists: string features, null where a cell is empty.
    - what `ignore` lists: dropped.
    """

    def fingerprint(self, settings: IngestSettings) -> dict[str, Any]:
        """What the source looks like now; see `sources.fingerprint`."""
        return sources.fingerprint(settings.source)

    def read(self, settings: IngestSettings) -> Ingested:
        """The rows of the months `since` to `until`, both included.

        Raises:
            SettingsError: no target is set, one column has two roles, or a window is set for
                data without a time column.
            SourceError: the source cannot be found, reached or read.
            DataError: a column that the settings name is missing, or one cannot be used. That
                a text names the rows is said when the first partition is taken.
        """
        target = _target(settings)
        frame = sources.read(settings.source, text=settings.categories)
        schema, frame = _shaped(frame, target, settings)
        parts = (
            iter([(WHOLE, frame)])
            if settings.time is None
            else _months(frame, settings.time, settings)
        )
        return Ingested(schema, _without_identifiers(parts, schema, frame, settings))


def _target(settings: IngestSettings) -> str:
    if settings.target is None:
        raise SettingsError(
            "missing",
            where=f"{_PARAMS}.target",
            next_step="name the column that the model is to predict",
        )
    if settings.time is None and (settings.since or settings.until):
        raise SettingsError(
            "since and until need a time column, and none is set",
            where=f"{_PARAMS}.time",
            next_step="name the column that dates the rows, or drop since and until",
        )
    return settings.target


def _shaped(
    frame: pd.DataFrame, target: str, settings: IngestSettings
) -> tuple[Schema, pd.DataFrame]:
    found = roles(frame.columns, target, settings)
    shaped: dict[str, pd.Series] = {}
    if settings.time is not None:
        shaped[settings.time] = _timestamps(frame[settings.time], settings)
    if settings.group is not None:
        shaped[settings.group] = frame[settings.group]
    shaped[target], classes = _labels(frame[target], settings)
    numbers: list[str] = []
    categories: list[str] = []
    for name in found:
        where = f"{sources.redact(settings.source)}: {name}"
        column = feature(frame[name], is_category=name in settings.categories, where=where)
        (numbers if column.dtype == "float64" else categories).append(name)
        shaped[name] = column
    schema = Schema(
        numbers=tuple(numbers),
        categories=tuple(categories),
        target=target,
        time=settings.time,
        group=settings.group,
        task=settings.task or "binary",
        classes=classes,
    )
    # The columns of the source in the order of the source, less the ignored.
    return schema, pd.DataFrame({name: shaped[name] for name in frame.columns if name in shaped})


def _labels(column: pd.Series, settings: IngestSettings) -> tuple[pd.Series, tuple[str, ...]]:
    """The labels as the task wants them, and the names of the classes."""
    where = f"{sources.redact(settings.source)}: {column.name}"
    if settings.task == "multiclass":
        return labels.classes(column, where=where)
    if settings.task == "regression":
        return labels.values(column, where=where), ()
    return labels.binary(column, where=where), ()


def _without_identifiers(
    parts: Iterator[tuple[str, pd.DataFrame]],
    schema: Schema,
    frame: pd.DataFrame,
    settings: IngestSettings,
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Look for identifiers as late as the first row is taken.

    By then the schema was held against the recorded one: that a number became text is a better
    thing to say of it than that its texts are all different.
    """
    check_not_identifiers(frame, schema.categories, settings)
    yield from parts


def _timestamps(column: pd.Series, settings: IngestSettings) -> pd.Series:
    where = f"{sources.redact(settings.source)}: {column.name}"
    if pd.api.types.is_numeric_dtype(column):
        raise DataError(
            f"holds numbers (the first is {column.iloc[0]}), not times",
            where=where,
            next_step="write ISO 8601 days or timestamps, or name another column as ingest.time",
        )
    moments = pd.to_datetime(column, errors="coerce", utc=True, format="ISO8601")
    bad = moments.isna()
    if bad.any():
        row = int(bad.to_numpy().argmax())
        raise DataError(
            f"{int(bad.sum())} of {len(column)} values are no time; "
            f"the first is {column.iloc[row]!r} in row {row + 1}",
            where=where,
            next_step="write ISO 8601 (2024-01-31 or 2024-01-31T12:00:00Z) in every row",
        )
    return moments.dt.tz_localize(None).astype("datetime64[us]")


def _months(
    frame: pd.DataFrame, time: str, settings: IngestSettings
) -> Iterator[tuple[str, pd.DataFrame]]:
    months = frame[time].dt.strftime("%Y-%m")
    inside = months.between(settings.since or "0000-00", settings.until or "9999-99")
    if not inside.any():
        raise DataError(
            f"no row from {settings.since or 'the beginning'} to {settings.until or 'the end'}; "
            f"the data goes from {months.min()} to {months.max()}",
            where=f"{sources.redact(settings.source)}: {time}",
            next_step="move ingest.since and ingest.until",
        )
    rows = frame[inside].sort_values(time, kind="stable")
    # Evaluated lazily: one month at a time is copied.
    return (
        (str(month), part.reset_index(drop=True))
        for month, part in rows.groupby(months[rows.index], sort=True)
    )
