"""Histogram gradient boosting: the workhorse for tables."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.models.base import Fitted, Params
from pipelines.models.space import Knob, Real, Whole, complete
from pipelines.models.tabular import Tabular, preprocessing
from pipelines.schema import Schema


class HistGradientBoosting:
    """scikit-learn's HistGradientBoostingClassifier, grown in three rungs."""

    rungs = 3

    def space(self) -> dict[str, Knob]:
        return {
            "learning_rate": Real(0.02, 0.3, default=0.1, is_log=True),
            "max_iter": Whole(60, 240, default=120),
            "max_leaf_nodes": Whole(7, 63, default=31, is_log=True),
            "min_samples_leaf": Whole(20, 400, default=60, is_log=True),
            "l2_regularization": Real(1e-3, 30.0, default=1.0, is_log=True),
            "max_features": Real(0.3, 1.0, default=0.8),
        }

    def fit(
        self,
        frame: pd.DataFrame,
        labels: npt.NDArray[np.int64],
        schema: Schema,
        params: Params,
        seed: int,
    ) -> Iterator[Fitted]:
        from sklearn.ensemble import HistGradientBoostingClassifier

        chosen = complete("hist_gradient_boosting", self.space(), params)
        prepare = preprocessing(schema, is_ordinal=True)
        prepared = prepare.fit_transform(frame)
        total = int(chosen.pop("max_iter"))
        # Early stopping would choose on a random part of the training rows, across days.
        model = HistGradientBoostingClassifier(
            **chosen, early_stopping=False, warm_start=True, random_state=seed
        )
        for rung in range(1, self.rungs + 1):
            model.set_params(max_iter=max(1, total * rung // self.rungs))
            model.fit(prepared, labels)
            yield Tabular(prepare, _with_float32_thresholds(model), schema)


def _with_float32_thresholds(model: Any) -> Any:
    """A copy whose thresholds are float32 numbers, and which answers exactly the same.

    The graph compares float32 values with float32 thresholds. Rounding a float64 threshold to
    the nearest float32 may lift it over a value that it lay below, which sends that value down
    the other branch (seen: 0.006 in probability). For a float32 x, x <= t holds exactly when
    x <= the largest float32 that is not above t, so the thresholds are rounded down instead.
    """
    model = copy.deepcopy(model)
    for predictors in model._predictors:
        for predictor in predictors:
            exact = predictor.nodes["num_threshold"]
            lowered = exact.astype(np.float32)
            is_above = lowered.astype(np.float64) > exact
            lowered[is_above] = np.nextafter(lowered[is_above], np.float32(-np.inf))
            predictor.nodes["num_threshold"] = lowered.astype(np.float64)
    return model
