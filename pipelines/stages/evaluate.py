"""evaluate: the exported graph on the holdout, with the trivial baseline beside it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.evaluation import plots, report
from pipelines.evaluation.curves import curves
from pipelines.evaluation.importance import Columns, groups, importance
from pipelines.evaluation.metrics import Certainty, measure
from pipelines.evaluation.slices import slices
from pipelines.explanation import attribution, shapley
from pipelines.explanation import plots as explanation_plots
from pipelines.explanation.background import background
from pipelines.explanation.explainer import Explainer
from pipelines.files import emptied, read_json, write_json, write_text
from pipelines.frames import groups as blocks_of
from pipelines.frames import labels, slice_columns, tensors
from pipelines.inference.session import ModelSession
from pipelines.paths import ModelPaths
from pipelines.progress import progress
from pipelines.schema import CATEGORIES, NUMBERS, Schema
from pipelines.settings import ModelSettings
from pipelines.signature import TRAINING_FILE
from pipelines.statistics.blocks import Blocks
from pipelines.statistics.constant import repeated
from pipelines.statistics.quality import QUALITIES


def run(paths: ModelPaths, settings: ModelSettings) -> None:
    """Write `metrics.json`, `plots/` and `reports/`.

    Raises:
        DataError: the holdout has one class only.
        SettingsError: a slice column does not exist, or shap is asked for and not installed.
        ModelError: the model folder cannot be trusted.
    """
    if settings.evaluate.attribution == "shap":
        shapley.permutation_explainer(attribution.WHERE)  # before the minutes, not after them
    evaluation = _evaluate(paths, settings)
    attributed = _attribution(paths, settings, evaluation["importance"])
    for folder in (paths.plots, paths.reports):
        emptied(folder)
    write_json(_metrics(evaluation), paths.metrics)
    write_json(evaluation, paths.reports / "evaluation.json")
    write_json(attributed, paths.reports / "attribution.json")
    pictures = {**plots.all_of(evaluation), **explanation_plots.all_of(attributed)}
    for name, picture in pictures.items():
        write_text(picture, paths.plots / f"{name}.svg")
    write_text(report.render(paths, paths.model), paths.reports / "report.html")
    reached = evaluation["metrics"][evaluation["measure"]["key"]]
    print(
        f"{evaluation['measure']['name']} {reached['value']:.4f} "
        f"({reached['low']:.4f} to {reached['high']:.4f})",
        flush=True,
    )


def _evaluate(paths: ModelPaths, settings: ModelSettings) -> dict[str, Any]:
    """All numbers of the report, ready for JSON."""
    chosen = settings.evaluate
    schema = Schema.read(paths.splits)
    holdout = pd.read_parquet(paths.splits / "holdout.parquet")
    session = ModelSession.open(paths.artifact)
    answers = labels(holdout, schema)
    scores = session.predict(tensors(holdout, schema)).scores
    answer = np.array(read_json(paths.artifact / TRAINING_FILE)["constant"], dtype=np.float64)
    constant = repeated(answer, len(answers), schema.task)
    blocks = Blocks.of(blocks_of(holdout, schema))
    certainty = Certainty(chosen.bootstrap_rounds, chosen.confidence, chosen.seed)
    by_slice = slices(
        schema.task,
        slice_columns(holdout, schema, chosen.slices),
        (answers, scores),
        blocks,
        certainty,
    )
    return {
        "task": schema.task,
        "measure": asdict(QUALITIES[schema.task]),
        "rows": len(answers),
        "blocks": blocks.count,
        "confidence": chosen.confidence,
        "metrics": measure(schema.task, answers, scores, blocks, certainty),
        "baseline": measure(schema.task, answers, constant, blocks, certainty),
        "slices": [asdict(each) for each in by_slice],
        "curves": curves(schema, answers, scores, chosen.bins),
        "importance": _importance(session, holdout, answers, schema, settings),
    }


def _attribution(
    paths: ModelPaths, settings: ModelSettings, importance: dict[str, float]
) -> dict[str, Any]:
    """What the model listens to, ready for JSON."""
    chosen = settings.evaluate
    if chosen.attribution == "permutation":
        return attribution.of_permutation(importance)
    schema = Schema.read(paths.splits)
    holdout = pd.read_parquet(paths.splits / "holdout.parquet")
    session = ModelSession.open(paths.artifact)
    known = background(paths.artifact, session)
    explainer = Explainer(session, known, attribution.WHERE, chosen.seed)
    size = attribution.affordable(explainer, chosen.attribution_rows, len(holdout))
    rows = np.random.default_rng(chosen.seed).choice(len(holdout), size=size, replace=False)
    with progress("explained rows", size) as on_progress:
        return attribution.of_shap(
            explainer, holdout.iloc[np.sort(rows)], schema, importance, on_progress
        )


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


def _importance(
    session: ModelSession,
    holdout: pd.DataFrame,
    answers: npt.NDArray[Any],
    schema: Schema,
    settings: ModelSettings,
) -> dict[str, float]:
    generator = np.random.default_rng(settings.evaluate.seed)
    size = min(settings.evaluate.importance_rows, len(holdout))
    rows = np.sort(generator.choice(len(holdout), size=size, replace=False))
    known = tensors(holdout.iloc[rows], schema)

    def score(columns: Columns, order: npt.NDArray[np.int64] | None) -> npt.NDArray[np.float64]:
        given = dict(known)
        for name, there in ((NUMBERS, schema.numbers), (CATEGORIES, schema.categories)):
            places = [there.index(column) for column in columns if column in there]
            if places:
                given[name] = known[name].copy()
                given[name][:, places] = known[name][order][:, places]
        return session.predict(given).scores

    return importance(schema.task, score, groups(schema), answers[rows], settings.evaluate.seed)
