"""What a model listens to, for its version: by feature, and for a few rows of the holdout."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.explanation.explainer import Explained, Explainer
from pipelines.explanation.values import shown, value_of
from pipelines.frames import tensors
from pipelines.inference.encode import Tensors
from pipelines.progress import OnProgress
from pipelines.schema import Schema

WHERE = "params.yaml: evaluate.attribution"
EXAMPLES = 3
# What the explained rows may cost together, in values given to the graph: with boosted trees some
# 40 s on one core. By cost and not by the clock, or the same commit would give other numbers.
_MOST_VALUES = 80_000_000
_FEWEST_ROWS = 5


def of_permutation(importance: dict[str, float]) -> dict[str, Any]:
    """attribution.json without SHAP values.

    Args:
        importance: by feature (or patch) what the measure loses when it is shuffled.
    """
    features = [{"name": name, "importance": lost} for name, lost in importance.items()]
    return {"method": "permutation", "features": features}


def of_shap(
    explainer: Explainer,
    frame: pd.DataFrame,
    schema: Schema,
    importance: dict[str, float],
    on_progress: OnProgress,
) -> dict[str, Any]:
    """attribution.json with SHAP values.

    Args:
        explainer: of the model.
        frame: the rows to explain, with their labels.
        schema: their columns.
        importance: as in `of_permutation`.
        on_progress: called after each row with (done, total).

    Returns:
        `features`, the largest mean absolute contribution first; `examples`: rows with a low, a
        middle and a high answer; `base`: the mean answer over the background (over rows, if
        each is explained for the class that the model decided for).
    """
    known = tensors(frame, schema)
    found = []
    for place in range(len(frame)):
        found.append(explainer.explain(known, place))
        on_progress(place + 1, len(frame))
    values = np.array([list(each.contributions.values()) for each in found])
    size, mean = np.abs(values).mean(axis=0), values.mean(axis=0)
    names = list(explainer.players)
    return {
        "method": "shap",
        "answer": answer_of(schema),
        "rows": len(found),
        "base": float(np.mean([each.base for each in found])),
        "features": [
            {
                "name": names[number],
                "importance": importance[names[number]],
                "mean_absolute": float(size[number]),
                "mean": float(mean[number]),
            }
            for number in np.argsort(-size, kind="stable")
        ],
        "examples": [
            _example(explainer, found[place], known, int(place), frame, schema)
            for place in _examples(np.array([each.answer for each in found]))
        ],
    }


def affordable(explainer: Explainer, wanted: int, there: int) -> int:
    """How many rows are explained: as many as are wanted, unless that takes too long."""
    bound = max(_FEWEST_ROWS, _MOST_VALUES // explainer.cost)
    return min(wanted, bound, there)


def answer_of(schema: Schema) -> str:
    """What is explained, in words."""
    if schema.task == "regression":
        return f"{schema.target}, in its unit"
    if schema.task == "multiclass":
        return "probability of the class that the model decides for"
    return f"probability of {schema.target}"


def _examples(answers: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """A low, a middle and a high answer; fewer if there are fewer rows."""
    order = np.argsort(answers, kind="stable")
    places = np.linspace(0, len(order) - 1, min(EXAMPLES, len(order))).round().astype(int)
    chosen: npt.NDArray[np.int64] = order[np.unique(places)]
    return chosen


def _example(
    explainer: Explainer,
    found: Explained,
    known: Tensors,
    place: int,
    frame: pd.DataFrame,
    schema: Schema,
) -> dict[str, Any]:
    truth = frame[schema.target].iloc[place]
    classes = schema.classes
    return {
        "answer": found.answer,
        "class": None if found.decided is None else classes[found.decided],
        "truth": classes[int(truth)] if classes else float(truth),
        "base": found.base,
        "contributions": [
            {
                "name": name,
                "value": shown(value_of(schema, known, place, explainer.players[name])),
                "contribution": contribution,
            }
            for name, contribution in found.ranked
        ],
    }
