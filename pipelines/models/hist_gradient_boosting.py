"""Histogram gradient boosting: the workhorse for tables."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from pipelines.models import resume
from pipelines.models.base import Fitted, Training
from pipelines.models.space import Knob, Real, Whole, complete
from pipelines.models.tabular import Tabular, preprocessing
from pipelines.models.thresholds import floored
from pipelines.schema import Task

NAME = "hist_gradient_boosting"


class HistGradientBoosting:
    """scikit-learn's HistGradientBoosting models, grown in three rungs.

    Going on from a parent adds a third of `max_iter` trees to it, which learn from the new rows
    what the parent's trees got wrong there.
    """

    tasks: frozenset[Task] = frozenset({"binary", "multiclass", "regression"})
    rungs = 3
    can_continue = True

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

        chosen = complete(NAME, self.space(), training.params)
        total = int(chosen.pop("max_iter"))
        if training.parent is not None:
            yield from self._going_on(training, total)
            return
        prepare = preprocessing(training.schema, is_ordinal=True)
        prepared = prepare.fit_transform(training.frame)
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
            yield Tabular(prepare, _exportable(model), training.schema, NAME)

    def _going_on(self, training: Training, total: int) -> Iterator[Fitted]:
        assert training.parent is not None
        parent = resume.read(training.parent, NAME, training)
        prepared = parent.preprocessing.transform(training.frame)
        model, known = parent.model, parent.model.max_iter
        for rung in range(1, self.rungs + 1):
            more = max(rung, total * rung // self.rungs // 3)
            model.set_params(max_iter=known + more, warm_start=True)
            model.fit(prepared, training.labels)
            yield Tabular(parent.preprocessing, _exportable(model), training.schema, NAME)


def _exportable(model: Any) -> Any:
    """A copy with thresholds that a graph can hold, which answers exactly the same."""
    model = copy.deepcopy(model)
    for predictors in model._predictors:
        for predictor in predictors:
            predictor.nodes["num_threshold"] = floored(predictor.nodes["num_threshold"])
    return model
