"""What the metrics of each task are called, and how they are read.

Apart from `metrics`, because a page that shows figures need not load what computes them.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from pipelines.schema import Task

_INF = math.inf


class Metric(NamedTuple):
    """What a metric is called, how to read it, and between which bounds it lies."""

    key: str
    name: str
    note: str
    lowest: float = 0.0
    highest: float = _INF


_LOG_LOSS = Metric("log_loss", "Log loss", "nats; lower is better")
_BRIER = Metric(
    "brier", "Brier score", "mean squared error of the probabilities; lower is better", 0, 1
)
# The first of each is the measure that models are compared by.
METRICS: dict[Task, tuple[Metric, ...]] = {
    "binary": (
        Metric(
            "auc",
            "AUC",
            "chance that a row with the event is ranked above one without; higher is better",
            0,
            1,
        ),
        _LOG_LOSS,
        _BRIER,
        Metric(
            "ece",
            "Calibration error",
            "how far probabilities are from shares; lower is better",
            0,
            1,
        ),
    ),
    "multiclass": (
        Metric(
            "accuracy", "Accuracy", "share of rows with the right class; higher is better", 0, 1
        ),
        Metric("macro_f1", "Macro F1", "F1 averaged over the classes; higher is better", 0, 1),
        _LOG_LOSS,
        _BRIER,
        Metric(
            "ece",
            "Calibration error",
            "how far confidence is from accuracy; lower is better",
            0,
            1,
        ),
    ),
    "regression": (
        Metric("mae", "Mean absolute error", "in the unit of the target; lower is better"),
        Metric("rmse", "Root mean square error", "in the unit of the target; lower is better"),
        Metric("r2", "R squared", "share of the variance explained; higher is better", -_INF, 1),
        Metric("bias", "Bias", "mean of predicted minus true; best at 0", -_INF),
    ),
}
