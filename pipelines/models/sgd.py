"""A linear model trained by stochastic gradient descent, one row at a time."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.models.base import Fitted, Training
from pipelines.models.space import Choice, Knob, Real, Whole, complete
from pipelines.models.tabular import Tabular, preprocessing
from pipelines.models.targets import Scale
from pipelines.schema import Task


class Sgd:
    """scikit-learn's SGD with logistic loss, and with Huber's loss for a regression."""

    tasks: frozenset[Task] = frozenset({"binary", "multiclass", "regression"})
    rungs = 1

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

        chosen = complete("sgd", self.space(), training.params)
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
        if is_regression:
            model.coef_, model.intercept_ = scale.folded(model.coef_, model.intercept_)
        yield Tabular(prepare, model, training.schema)
