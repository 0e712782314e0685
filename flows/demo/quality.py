"""How good the live answers were, and how good the first version's would have been.

From what the service itself wrote down: its prediction log and the labels that came. The first
version is asked again about exactly the rows that were answered.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines import frames
from pipelines.inference.session import ModelSession
from pipelines.predictions.labels import LABEL
from pipelines.predictions.layout import FEATURE, OUTPUT, REQUEST_ID, ROW, TIME
from pipelines.predictions.read import read
from pipelines.statistics.auc import auc

_VERSION, _SHADOW = "version", "is_shadow"
_SCORE = f"{OUTPUT}probability"
_KEYS = [REQUEST_ID, ROW]
LIVE, FROZEN, DAY = "live", "frozen", "day"


@dataclass(frozen=True)
class Span:
    """The labelled answers of some stretch of the data.

    Attributes:
        name: as 2013-04, or the first day of a week.
        rows: answers whose truth is known.
        versions: who gave them, with how many.
        live: AUC of the answers that were given.
        frozen: AUC that the first version has on the same rows.
    """

    name: str
    rows: int
    versions: dict[str, int]
    live: float
    frozen: float

    @property
    def gain(self) -> float:
        return self.live - self.frozen


def answered(log: Path, labels: Path, model: str, first: ModelSession) -> pd.DataFrame:
    """The labelled answers to replayed rows: day, version, live and frozen score, and label.

    Raises:
        LogError: a log cannot be read.
    """
    told = read(log).to_pandas()
    told = told[~told[_SHADOW] & told[REQUEST_ID].str.startswith(f"{model}-")]
    # A client that asked twice used the last answer.
    told = told.sort_values(TIME).drop_duplicates(_KEYS, keep="last")
    truth = read(labels).to_pandas().sort_values(TIME, kind="stable")
    truth = truth.drop_duplicates(_KEYS, keep="last")[[*_KEYS, LABEL]]
    joined = told.merge(truth, on=_KEYS)
    schema = first.signature.schema
    features = joined[[FEATURE + name for name in schema.features]]
    features = features.set_axis(list(schema.features), axis="columns")
    return pd.DataFrame(
        {
            TIME: joined[TIME],
            DAY: pd.to_datetime(joined[REQUEST_ID].str.slice(len(model) + 1, len(model) + 11)),
            _VERSION: joined[_VERSION],
            LIVE: joined[_SCORE],
            FROZEN: first.predict(frames.tensors(features, schema)).scores,
            LABEL: joined[LABEL].astype(float).astype("int64"),
        }
    )


def by_month(rows: pd.DataFrame) -> list[Span]:
    """A span a month, in order."""
    return list(_spans(rows, rows[DAY].dt.strftime("%Y-%m")))


def by_week(rows: pd.DataFrame) -> list[Span]:
    """A span for each seven days from the first on; a shorter last one is left out."""
    week = (rows[DAY] - rows[DAY].min()).dt.days // 7
    whole = week < (rows[DAY].max() - rows[DAY].min()).days // 7
    begin = rows[DAY].min() + pd.to_timedelta(7 * week, unit="D")
    return list(_spans(rows[whole], begin[whole].dt.strftime("%Y-%m-%d")))


def _spans(rows: pd.DataFrame, names: pd.Series) -> Iterator[Span]:
    for name, part in rows.groupby(names, sort=True):
        truth = part[LABEL].to_numpy()
        if len(np.unique(truth)) < 2:
            continue
        yield Span(
            name=str(name),
            rows=len(part),
            versions={str(each): int(n) for each, n in part[_VERSION].value_counts().items()},
            live=auc(truth, part[LIVE].to_numpy()),
            frozen=auc(truth, part[FROZEN].to_numpy()),
        )
