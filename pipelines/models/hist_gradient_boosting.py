"""Histogram gradient boosting: the workhorse for tables."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from pipelines.models.base import Fitted, Training
from pipelines.models.space import Knob, Real, Whole, complete
from pipelines.models.tabular import Tabular, preprocessing
from pipelines.models.thresholds import floored
from pipelines.schema import Task


class HistGradientBoosting:
    """scikit-learn's HistGradientBoosting models, grown in three rungs."""

    tasks: frozenset[Task] = frozenset({"binary", "multiclass", "regression"})
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

    def fit(self, training: Training) -> Iterator[Fitted]:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        chosen = complete("hist_gradient_boosting", self.space(), training.params)
        prepare = preprocessing(training.schema, is_ordinal=True)
        prepared = prepare.fit_transform(training.frame)
        total = int(chosen.pop("max_iter"))
        kind, loss = HistGradientBoostingClassifier, "log_loss"
        if training.schema.task == "regression":
            # What models are compared by; the mean of a long tail is a poor guess of most values.
            kind, loss = HistGradientBoostingRegressor, "absolute_error"
        # Early stopping would choose on a random part of the training rows, across days.
        model = kind(
            **chosen, loss=loss, early_stopping=False, warm_start=True, random_state=training.seed
        )
        for rung in range(1, self.rungs + 1):
            model.set_params(max_iter=max(1, total * rung // self.rungs))
            model.fit(prepared, training.labels)
            yield Tabular(prepare, _exportable(model), training.schema)


def _exportable(model: Any) -> Any:
    """A copy with thresholds that a graph can hold, which answers exactly the same."""
    model = copy.deepcopy(model)
    for predictors in model._predictors:
        for predictor in predictors:
            predictor.nodes["num_threshold"] = floored(predictor.nodes["num_threshold"])
    return model
