"""The curves behind the plots, thinned to what a plot can show."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from pipelines.evaluation.metrics import confusion
from pipelines.schema import Schema
from pipelines.statistics.arrays import Array, Floats
from pipelines.statistics.auc import roc_curve
from pipelines.statistics.calibration import equal_mass_bins, reliability_curve

_ROC_POINTS = 400
_ERROR_BARS = 40


def curves(schema: Schema, labels: Array, scores: Floats, bins: int) -> dict[str, Any]:
    """What the task's plots are drawn from, ready for JSON."""
    if schema.task == "regression":
        return {"agreement": _agreement(labels, scores, bins), "errors": _errors(scores - labels)}
    said = [asdict(point) for point in reliability_curve(labels, scores, bins)]
    if schema.task == "multiclass":
        counts = confusion(labels, scores)
        return {"confusion": counts, "classes": list(schema.classes), "calibration": said}
    return {"roc": _roc(labels, scores), "calibration": said}


def _roc(labels: Array, scores: Floats) -> list[list[float]]:
    """Points enough to draw the curve, the last of them always (1, 1)."""
    curve = roc_curve(labels, scores)
    points = np.column_stack([curve.false_positive_rate, curve.true_positive_rate]).round(5)
    kept = np.unique(np.linspace(0, len(points) - 1, _ROC_POINTS).round().astype(int))
    thinned: list[list[float]] = points[kept].tolist()
    return thinned


def _agreement(truth: Array, values: Floats, bins: int) -> list[dict[str, float]]:
    of_row = equal_mass_bins(values, bins)
    return [
        {
            "predicted": float(values[of_row == each].mean()),
            "true": float(truth[of_row == each].mean()),
            "low": float(np.quantile(truth[of_row == each], 0.1)),
            "high": float(np.quantile(truth[of_row == each], 0.9)),
        }
        for each in range(int(of_row.max()) + 1)
    ]


def _errors(off: Floats) -> dict[str, list[float]]:
    low, high = np.quantile(off, [0.01, 0.99])
    edges = np.linspace(low, high if high > low else low + 1, _ERROR_BARS + 1)
    counts, _ = np.histogram(np.clip(off, edges[0], edges[-1]), edges)
    return {"counts": counts.tolist(), "edges": edges.tolist()}
