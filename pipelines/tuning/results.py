"""What a search found, as the plain values that `study/` holds.

Inside a search a higher quality is better for every task. Here it is the measure itself again,
as people know it: an error is small when it is good.
"""

from __future__ import annotations

from typing import Any

from optuna.trial import FrozenTrial

from pipelines.models.space import Value
from pipelines.settings import BudgetSettings, ModelSettings
from pipelines.statistics.quality import Quality
from pipelines.tuning.objectives import Choice, limit
from pipelines.tuning.stores import SLOT
from pipelines.tuning.study import table

UNITS = {"latency": "latency_ms", "size": "megabytes"}


def measured(trial: FrozenTrial, quality: Quality) -> float:
    """The quality of a trial in the unit of its measure."""
    return -trial.values[0] if quality.is_loss else float(trial.values[0])


def best(
    trials: list[FrozenTrial], choice: Choice, settings: ModelSettings, quality: Quality
) -> dict[str, Any]:
    """The content of best.json."""
    objectives = settings.tune.objectives
    found = {
        "params": {**choice.trial.params, **settings.train.fixed},
        "metric": quality.key,
        "tuning_score": measured(choice.trial, quality),
        "default_score": measured(trials[0], quality),
        "trial": choice.trial.user_attrs[SLOT],
        "trials": len(trials),
        "pruned": sum(trial.state.name == "PRUNED" for trial in trials),
    }
    if len(objectives) > 1:
        found[UNITS[objectives[1]]] = choice.trial.values[1]
    return found


def rows(
    trials: list[FrozenTrial], settings: ModelSettings, quality: Quality
) -> list[dict[str, Value]]:
    """The rows of trials.csv; the cost stands in a column with its unit in the name."""
    objectives = settings.tune.objectives
    found = []
    for row, trial in zip(table(trials), trials, strict=True):
        row["score"] = measured(trial, quality)
        if len(objectives) > 1:
            row = {UNITS[objectives[1]] if key == "cost" else key: row[key] for key in row}  # noqa: PLW2901
        found.append(row)
    return found


def pareto(
    choice: Choice, settings: ModelSettings, budget: BudgetSettings, quality: Quality
) -> dict[str, Any]:
    """The content of pareto.json."""
    cost = settings.tune.objectives[1]
    return {
        "objectives": [quality.key, UNITS[cost]],
        "chosen": choice.trial.user_attrs[SLOT],
        "budget": limit(cost, budget),
        "is_within_budget": choice.is_within_budget,
        "front": [
            {
                "trial": trial.user_attrs[SLOT],
                quality.key: measured(trial, quality),
                UNITS[cost]: trial.values[1],
                "params": {**trial.params, **settings.train.fixed},
            }
            for trial in choice.front
        ],
    }
