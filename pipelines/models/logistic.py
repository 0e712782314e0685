"""Logistic regression on scaled numbers and one-hot categories."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.models.base import Fitted, Training
from pipelines.models.space import Knob, Real, complete
from pipelines.models.tabular import Tabular, preprocessing
from pipelines.schema import Task


class Logistic:
    """L2-regularised logistic regression; multinomial for more than two classes."""

    tasks: frozenset[Task] = frozenset({"binary", "multiclass"})
    rungs = 1
    can_continue = False

    def space(self) -> dict[str, Knob]:
        return {"C": Real(1e-3, 100.0, default=1.0, is_log=True)}

    def fit(self, training: Training) -> Iterator[Fitted]:
        from sklearn.linear_model import LogisticRegression

        chosen = complete("logistic", self.space(), training.params)
        prepare = preprocessing(training.schema, is_ordinal=False)
        model = LogisticRegression(C=float(chosen["C"]), max_iter=1000, random_state=training.seed)
        model.fit(prepare.fit_transform(training.frame), training.labels)
        yield Tabular(prepare, model, training.schema)
