"""Random forest: a strong default that needs little tuning."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from pipelines.models.base import Fitted, Training
from pipelines.models.space import Knob, Real, Whole, complete
from pipelines.models.tabular import Tabular, preprocessing
from pipelines.models.thresholds import floored
from pipelines.schema import Task


class Forest:
    """scikit-learn's random forests, grown in three rungs."""

    tasks: frozenset[Task] = frozenset({"binary", "multiclass", "regression"})
    rungs = 3
    can_continue = False

    def space(self) -> dict[str, Knob]:
        return {
            "n_estimators": Whole(60, 300, default=120),
            "max_features": Real(0.1, 1.0, default=0.4),
            "min_samples_leaf": Whole(1, 50, default=5, is_log=True),
            "max_depth": Whole(4, 24, default=14),
        }

    def fit(self, training: Training) -> Iterator[Fitted]:
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

        chosen = complete("forest", self.space(), training.params)
        prepare = preprocessing(training.schema, is_ordinal=True)
        prepared = prepare.fit_transform(training.frame)
        total = int(chosen.pop("n_estimators"))
        is_regression = training.schema.task == "regression"
        kind = RandomForestRegressor if is_regression else RandomForestClassifier
        model = kind(**chosen, warm_start=True, random_state=training.seed, n_jobs=1)
        for rung in range(1, self.rungs + 1):
            model.set_params(n_estimators=max(rung, total * rung // self.rungs))
            model.fit(prepared, training.labels)
            yield Tabular(prepare, _exportable(model), training.schema)


def _exportable(model: Any) -> Any:
    """A copy with thresholds that a graph can hold, which answers exactly the same."""
    model = copy.deepcopy(model)
    for tree in model.estimators_:
        tree.tree_.threshold[:] = floored(tree.tree_.threshold)
    return model
