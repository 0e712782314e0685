"""How far champion and challenger are apart when nothing is wrong: on the challenger's holdout."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from pipelines.errors import DataError
from pipelines.frames import labels, tensors
from pipelines.inference.session import ModelSession, Prediction
from pipelines.observing import scores
from pipelines.rollout.plan import Expected, Scale
from pipelines.schema import Schema

# So many rows place a share within a tenth of a percent, and take a second of either model.
_MOST_ROWS = 50_000
# A value is wrong when it is further off than nine of ten of the champion's were.
_TOLERATED_SHARE = 0.9


class Measured(NamedTuple):
    """The distance of two models, and what it is measured in."""

    expected: Expected
    scale: Scale


def measure(champion: Path, challenger: Path, holdout: Path) -> Measured:
    """Ask both models the same rows.

    Args:
        champion, challenger: model folders.
        holdout: the challenger's, as Parquet: it has the columns of both.

    Raises:
        DataError: the holdout has no rows, or lacks columns that the champion takes.
        ModelError: a model cannot be opened.
    """
    frame = _read(holdout)
    old, new = ModelSession.open(champion), ModelSession.open(challenger)
    _require_columns(frame, old.signature.schema, holdout)
    task = new.signature.schema.task
    left = old.predict(tensors(frame, old.signature.schema))
    right = new.predict(tensors(frame, new.signature.schema))
    scale = _scale(frame, new.signature.schema, left) if task == "regression" else Scale()
    gaps = scores.gaps(scores.matrix(left.scores), scores.matrix(right.scores), task, scale)
    differ = scores.disagreements(left.labels, right.labels)
    return Measured(Expected(float(differ.mean()), float(gaps.mean())), scale)


def _read(holdout: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(holdout).head(_MOST_ROWS)
    except (OSError, pa.ArrowException) as error:
        raise DataError(
            f"the holdout cannot be read: {error}",
            where=str(holdout),
            next_step="remove the file: it is taken out of the DVC cache again",
        ) from error


def _scale(frame: pd.DataFrame, schema: Schema, champion: Prediction) -> Scale:
    truth = labels(frame, schema)
    off = np.abs(champion.scores - truth)
    return Scale(
        span=float(truth.max() - truth.min()), tolerance=float(np.quantile(off, _TOLERATED_SHARE))
    )


def _require_columns(frame: pd.DataFrame, schema: Schema, holdout: Path) -> None:
    missing = sorted(set(schema.features) - set(frame.columns))
    if missing or frame.empty:
        raise DataError(
            f"the champion needs columns that are not there: {', '.join(missing)}"
            if missing
            else "there are no rows",
            where=str(holdout),
            next_step="keep them in the data until a version without them is live",
        )


def answers_alike(left: Schema, right: Schema) -> bool:
    """Whether two versions answer the same question, so that they can be compared at all."""
    return (left.task, left.classes) == (right.task, right.classes)
