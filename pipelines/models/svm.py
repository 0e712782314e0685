"""Support vector machine with a radial kernel: for tables of thousands of rows, not millions.

No regression: ONNX Runtime adds up the kernels of an SVR in float32, and was off by more than the
export is allowed to be.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.models.base import Fitted, Training
from pipelines.models.space import Knob, Real, complete
from pipelines.models.tabular import Tabular, preprocessing
from pipelines.schema import Task


class Svm:
    """scikit-learn's SVC with calibrated probabilities."""

    tasks: frozenset[Task] = frozenset({"binary", "multiclass"})
    rungs = 1
    can_continue = False

    def space(self) -> dict[str, Knob]:
        return {
            "C": Real(0.1, 1000.0, default=10.0, is_log=True),
            # A multiple of scikit-learn's "scale", 1 / (columns x variance).
            "gamma_scale": Real(0.05, 20.0, default=1.0, is_log=True),
        }

    def fit(self, training: Training) -> Iterator[Fitted]:
        from sklearn.calibration import CalibratedClassifierCV
        from sklearn.svm import SVC

        chosen = complete("svm", self.space(), training.params)
        prepare = preprocessing(training.schema, is_ordinal=False)
        prepared = prepare.fit_transform(training.frame)
        spread = float(prepared.var()) or 1.0
        gamma = float(chosen["gamma_scale"]) / (prepared.shape[1] * spread)
        # One machine on all rows; its scores are calibrated by cross-validation (Platt 1999).
        model = CalibratedClassifierCV(SVC(C=float(chosen["C"]), gamma=gamma), ensemble=False)
        model.fit(prepared, training.labels)
        yield Tabular(prepare, model, training.schema)
