"""A linear model trained by stochastic gradient descent, one row at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pipelines.models import resume
from pipelines.models.base import Fitted, Training
from pipelines.models.space import Choice, Knob, Real, Whole, complete
from pipelines.models.tabular import Tabular, preprocessing
from pipelines.models.targets import Scale
from pipelines.schema import Task

NAME = "sgd"


class Sgd:
    """scikit-learn's SGD with logistic loss, and with Huber's loss for a regression."""

    tasks: frozenset[Task] = frozenset({"binary", "multiclass", "regression"})
    rungs = 1
    can_continue = True

    def space(self) -> dict[str, Knob]:
        return {
            "alpha": Real(1e-6, 1e-1, default=1e-4, is_log=True),
            "penalty": Choice(("l2", "l1", "elasticnet"), default="l2"),
            "learning_rate": Choice(("optimal", "invscaling", "adaptive"), default="adaptive"),
            "eta0": Real(1e-3, 0.5, default=0.01, is_log=True),
            "epochs": Whole(3, 40, default=10),
        }

    def fit(self, training: Training) -> Iterator[Fitted]:
        from sklearn.linear_model import SGDClassifier, SGDRegressor

        chosen = complete(NAME, self.space(), training.params)
        if training.parent is not None:
            yield _gone_on(training, int(chosen["epochs"]))
            return
        prepare = preprocessing(training.schema, is_ordinal=False)
        kind, loss, labels = SGDClassifier, "log_loss", training.labels
        is_regression = training.schema.task == "regression"
        if is_regression:
            scale = Scale.of(labels)
            kind, loss, labels = SGDRegressor, "huber", scale.scaled(labels)
        epochs = int(chosen.pop("epochs"))
        model = kind(
            loss=loss, max_iter=epochs, tol=None, average=True, random_state=training.seed, **chosen
        )
        model.fit(prepare.fit_transform(training.frame), labels)
        known = None
        if is_regression:
            known = (scale.mean, scale.deviation)
            model.coef_, model.intercept_ = scale.folded(model.coef_, model.intercept_)
        yield Tabular(prepare, model, training.schema, NAME, known)


def _gone_on(training: Training, epochs: int) -> Fitted:
    """The parent after so many more passes over the rows, each in another order."""
    assert training.parent is not None
    parent = resume.read(training.parent, NAME, training)
    model, labels = parent.model, training.labels
    scale = Scale(*parent.scale) if parent.scale else None
    if scale is not None:
        labels = scale.scaled(labels)
        model.coef_, model.intercept_ = scale.unfolded(model.coef_, model.intercept_)
    prepared = parent.preprocessing.transform(training.frame)
    draw = np.random.default_rng(training.seed)
    for _ in range(epochs):
        order = draw.permutation(len(labels))
        model.partial_fit(prepared[order], labels[order])
    if scale is not None:
        model.coef_, model.intercept_ = scale.folded(model.coef_, model.intercept_)
    return Tabular(parent.preprocessing, model, training.schema, NAME, parent.scale)
