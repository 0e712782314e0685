"""evaluate: the exported graph on the holdout, with the trivial baseline beside it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.evaluation import plots, report
from pipelines.evaluation.metrics import Certainty, importance, measure
from pipelines.evaluation.slices import slices
from pipelines.files import emptied, read_json, write_json, write_text
from pipelines.frames import groups, labels, slice_columns, tensors
from pipelines.inference.session import ModelSession
from pipelines.paths import ModelPaths
from pipelines.schema import CATEGORIES, NUMBERS, Schema
from pipelines.settings import ModelSettings
from pipelines.signature import TRAINING_FILE
from pipelines.statistics.auc import RocCurve, roc_curve
from pipelines.statistics.blocks import Blocks
from pipelines.statistics.calibration import reliability_curve

_ROC_POINTS = 400


def run(paths: ModelPaths, settings: ModelSettings) -> None:
    """Write `metrics.json`, `plots/` and `reports/`.

    Raises:
        DataError: the holdout has one class only.
        SettingsError: a slice column does not exist.
        ModelError: the model folder cannot be trusted.
    """
    evaluation = _evaluate(paths, settings)
    for folder in (paths.plots, paths.reports):
        emptied(folder)
    auc = evaluation["metrics"]["auc"]
    write_json(_metrics(evaluation), paths.metrics)
    write_json(evaluation, paths.reports / "evaluation.json")
    for name, picture in {
        "roc": plots.roc(evaluation["roc"], auc["value"]),
        "calibration": plots.calibration(evaluation["calibration"]),
        "slices": plots.slices(evaluation["slices"], auc["value"]),
        "importance": plots.importance(evaluation["importance"]),
    }.items():
        write_text(picture, paths.plots / f"{name}.svg")
    write_text(report.render(paths, paths.model), paths.reports / "report.html")
    print(f"AUC {auc['value']:.4f} ({auc['low']:.4f} to {auc['high']:.4f})", flush=True)


def _evaluate(paths: ModelPaths, settings: ModelSettings) -> dict[str, Any]:
    """All numbers of the report, ready for JSON."""
    chosen = settings.evaluate
    schema = Schema.read(paths.splits)
    holdout = pd.read_parquet(paths.splits / "holdout.parquet")
    session = ModelSession.open(paths.artifact)
    answers = labels(holdout, schema)
    scores = session.predict(tensors(holdout, schema)).probabilities
    constant = np.full(
        len(answers), read_json(paths.artifact / TRAINING_FILE)["positive_share"], dtype=np.float64
    )
    blocks = Blocks.of(groups(holdout, schema))
    certainty = Certainty(chosen.bootstrap_rounds, chosen.confidence, chosen.seed)
    by_slice = slices(
        slice_columns(holdout, schema, chosen.slices), answers, scores, blocks, certainty
    )
    return {
        "rows": len(answers),
        "positives": int(answers.sum()),
        "blocks": blocks.count,
        "confidence": chosen.confidence,
        "metrics": measure(answers, scores, blocks, certainty),
        "baseline": measure(answers, constant, blocks, certainty),
        "slices": [asdict(each) for each in by_slice],
        "roc": _thinned(roc_curve(answers, scores)),
        "calibration": [asdict(point) for point in reliability_curve(answers, scores, chosen.bins)],
        "importance": _importance(session, holdout, answers, schema, settings),
    }


def _metrics(evaluation: dict[str, Any]) -> dict[str, Any]:
    """What `dvc metrics` shows: few numbers, each with a name of its own."""
    model, baseline = evaluation["metrics"], evaluation["baseline"]
    return {
        "holdout": {name: interval["value"] for name, interval in model.items()},
        "baseline": {name: interval["value"] for name, interval in baseline.items()},
        "interval": {
            name: {"low": interval["low"], "high": interval["high"]}
            for name, interval in model.items()
        },
    }


def _thinned(curve: RocCurve) -> list[list[float]]:
    """Points enough to draw the curve, the last of them always (1, 1)."""
    points = np.column_stack([curve.false_positive_rate, curve.true_positive_rate]).round(5)
    kept = np.unique(np.linspace(0, len(points) - 1, _ROC_POINTS).round().astype(int))
    thinned: list[list[float]] = points[kept].tolist()
    return thinned


def _importance(
    session: ModelSession,
    holdout: pd.DataFrame,
    answers: npt.NDArray[np.int64],
    schema: Schema,
    settings: ModelSettings,
) -> dict[str, float]:
    generator = np.random.default_rng(settings.evaluate.seed)
    size = min(settings.evaluate.importance_rows, len(holdout))
    rows = np.sort(generator.choice(len(holdout), size=size, replace=False))
    known = tensors(holdout.iloc[rows], schema)

    def score(column: str | None, order: npt.NDArray[np.int64] | None) -> npt.NDArray[np.float64]:
        given = dict(known)
        for name, columns in ((NUMBERS, schema.numbers), (CATEGORIES, schema.categories)):
            if column in columns:
                place = columns.index(column)
                given[name] = known[name].copy()
                given[name][:, place] = known[name][order, place]
        return session.predict(given).probabilities

    return importance(score, list(schema.features), answers[rows], settings.evaluate.seed)
