"""A small neural network without TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.models.base import Fitted, Training
from pipelines.models.space import Knob, Real, Whole, complete
from pipelines.models.tabular import Tabular, preprocessing
from pipelines.models.targets import Scale
from pipelines.schema import Task


class Mlp:
    """scikit-learn's multi-layer perceptron with one hidden layer, trained by Adam."""

    tasks: frozenset[Task] = frozenset({"binary", "multiclass", "regression"})
    rungs = 1
    can_continue = False

    def space(self) -> dict[str, Knob]:
        return {
            "hidden": Whole(8, 128, default=48, is_log=True),
            "alpha": Real(1e-6, 1e-1, default=1e-4, is_log=True),
            "learning_rate_init": Real(1e-4, 1e-2, default=1e-3, is_log=True),
            "max_iter": Whole(20, 200, default=60),
        }

    def fit(self, training: Training) -> Iterator[Fitted]:
        import warnings

        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPClassifier, MLPRegressor

        chosen = complete("mlp", self.space(), training.params)
        prepare = preprocessing(training.schema, is_ordinal=False)
        kind, labels = MLPClassifier, training.labels
        is_regression = training.schema.task == "regression"
        if is_regression:
            scale = Scale.of(labels)
            kind, labels = MLPRegressor, scale.scaled(labels)
        model = kind(
            hidden_layer_sizes=(int(chosen.pop("hidden")),), random_state=training.seed, **chosen
        )
        with warnings.catch_warnings():
            # How long it trains is searched, so running to the last epoch is no fault.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(prepare.fit_transform(training.frame), labels)
        if is_regression:
            folded = scale.folded(model.coefs_[-1], model.intercepts_[-1])
            model.coefs_[-1], model.intercepts_[-1] = folded
        yield Tabular(prepare, model, training.schema)
