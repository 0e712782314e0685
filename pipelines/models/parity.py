"""Does the exported graph answer as the training code does?

Ordinary rows prove little: graphs go wrong at thresholds, at missing values and at categories
that training never saw, so rows of each kind are made on purpose.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from pipelines.errors import ModelError
from pipelines.frames import features, tensors
from pipelines.inference.answers import distance
from pipelines.inference.session import ModelSession
from pipelines.models.base import Fitted
from pipelines.schema import Schema

ORDINARY_ROWS = 2000
MOST_CATEGORIES = 500
# Of a wide table, such as the pixels of an image, so many columns are tried at their boundaries.
MOST_COLUMNS = 40
UNSEEN = "\N{SNOWMAN} never seen"
_QUANTILES = np.linspace(0, 1, 33)


def cases(frame: pd.DataFrame, schema: Schema, seed: int) -> dict[str, pd.DataFrame]:
    """Rows by the kind of trouble they make.

    Args:
        frame: rows that the model was trained on.
        schema: their columns.
        seed: of the sample of ordinary rows.
    """
    known = frame[list(schema.features)]
    ordinary = known.sample(min(ORDINARY_ROWS, len(known)), random_state=seed)
    made = {
        "ordinary": ordinary,
        "boundary": _concat(_at_boundaries(known, schema)),
        "missing": _concat(_with_missing(ordinary.head(50), schema)),
    }
    if schema.categories:
        made["unseen category"] = _concat(
            ordinary.head(50).assign(**{name: UNSEEN}) for name in _some(schema.categories)
        )
    return {kind: rows.reset_index(drop=True) for kind, rows in made.items()}


def differences(
    fitted: Fitted, session: ModelSession, rows: dict[str, pd.DataFrame]
) -> dict[str, float]:
    """The largest difference of the answers for each kind of rows; see `answers.distance`."""
    schema = session.signature.schema
    found = {}
    for kind, frame in rows.items():
        trained = fitted.scores(features(frame, schema))
        exported = session.predict(tensors(frame, schema)).scores
        found[kind] = distance(trained, exported, schema.task)
    return found


def require(found: dict[str, float], tolerance: float, model: str) -> None:
    """Refuse an export that is off.

    Raises:
        ModelError: a difference is above `tolerance`, or is not a number.
    """
    off = {kind: value for kind, value in found.items() if not value <= tolerance}
    if off:
        listed = ", ".join(f"{value:.3g} on {kind} rows" for kind, value in off.items())
        raise ModelError(
            f"the ONNX graph differs from the trained model by {listed} (allowed: {tolerance:g})",
            where=f"data/{model}/model/model.onnx",
            next_step="do not raise the tolerance; find the operator that differs, or take "
            "another family",
        )


def spread(frame: pd.DataFrame, rows: int) -> pd.DataFrame:
    """Rows from the first to the last at even distances, since neighbours are of one kind."""
    places = np.linspace(0, len(frame) - 1, min(rows, len(frame))).round().astype(int)
    return frame.iloc[np.unique(places)]


def _at_boundaries(known: pd.DataFrame, schema: Schema) -> Iterator[pd.DataFrame]:
    """Rows at the edges: numbers where thresholds lie and beyond, and each category once."""
    for name in _some(schema.categories):
        distinct = known[name].drop_duplicates().head(MOST_CATEGORIES)
        yield known.iloc[[0] * len(distinct)].assign(**{name: distinct.to_numpy(dtype=object)})
    for name in _some(schema.numbers):
        seen = known[name].dropna().astype("float64")
        exact = seen.quantile(_QUANTILES, interpolation="nearest").to_numpy()
        exact = exact if len(seen) else np.zeros(1)
        values = np.unique(
            np.concatenate(
                [
                    exact,
                    np.nextafter(exact, np.inf),
                    np.nextafter(exact, -np.inf),
                    [0.0, -1.0, exact.min() - 1e6, exact.max() + 1e6, -1e12, 1e12],
                ]
            )
        )
        base = known.iloc[[0] * len(values)]
        yield base.assign(**{name: values})


def _with_missing(rows: pd.DataFrame, schema: Schema) -> Iterator[pd.DataFrame]:
    for name in _some(schema.numbers):
        yield rows.assign(**{name: np.nan})
    for name in _some(schema.categories):
        yield rows.assign(**{name: None})
    nothing: dict[str, object] = dict.fromkeys(schema.numbers, np.nan)
    yield rows.head(1).assign(**nothing, **dict.fromkeys(schema.categories))


def _some(names: tuple[str, ...]) -> list[str]:
    """All names, or `MOST_COLUMNS` of them at even distances."""
    places = np.linspace(0, len(names) - 1, min(MOST_COLUMNS, len(names))).round().astype(int)
    return [names[place] for place in places]


def _concat(frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    parts = [frame.astype(object) for frame in frames]
    return pd.concat(parts, ignore_index=True)
