"""Plots of a study."""

from __future__ import annotations

import optuna
from optuna.trial import FrozenTrial, TrialState, create_trial

from pipelines.reporting import plots
from pipelines.statistics.quality import Quality
from pipelines.tuning.objectives import Choice
from pipelines.tuning.results import UNITS, measured


def history(trials: list[FrozenTrial], quality: Quality) -> str:
    """Quality by trial, with the best so far."""
    with plots.figure("Trial", f"{quality.name} on the tuning rows") as axes:
        for state, marker, label in (
            (TrialState.COMPLETE, "o", "completed"),
            (TrialState.PRUNED, "x", "pruned"),
        ):
            chosen = [(i, measured(t, quality)) for i, t in enumerate(trials) if t.state is state]
            if chosen:
                axes.plot(*zip(*chosen, strict=True), marker, label=label)
        axes.step(*_best_so_far(trials, quality), where="post", label="best so far")
        axes.legend()
    return axes.svg


def _best_so_far(trials: list[FrozenTrial], quality: Quality) -> tuple[list[int], list[float]]:
    """It begins with the first completed trial; there is no best before."""
    places: list[int] = []
    best: list[float] = []
    for place, trial in enumerate(trials):
        if trial.state is TrialState.COMPLETE:
            best.append((min if quality.is_loss else max)([*best[-1:], measured(trial, quality)]))
        elif best:
            best.append(best[-1])
        else:
            continue
        places.append(place)
    return places, best


def knobs(trials: list[FrozenTrial], seed: int) -> str:
    """How much of the quality's variance each knob explains (fANOVA, Hutter et al. 2014)."""
    study = optuna.create_study(direction="maximize")
    study.add_trials([_by_quality(trial) for trial in trials])
    found: dict[str, float] = {}
    values = {t.values[0] for t in trials if t.state is TrialState.COMPLETE}
    if len(values) > 1:
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=seed)
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    with plots.figure("Share of the score's variance", "") as axes:
        names = list(reversed(found))
        axes.barh(names, [found[name] for name in names])
    return axes.svg


def pareto(trials: list[FrozenTrial], choice: Choice, cost: str, quality: Quality) -> str:
    """Quality by cost: all completed trials, the front, and the one chosen."""
    completed = [trial for trial in trials if trial.state is TrialState.COMPLETE]
    with plots.figure(UNITS[cost].replace("_", " "), f"{quality.name} on the tuning rows") as axes:
        for points, style, label in (
            (completed, "o", "completed"),
            # From cheap to dear, as the eye goes along the axis.
            (choice.front[::-1], "o-", "Pareto front"),
        ):
            costs = [trial.values[1] for trial in points]
            axes.plot(costs, [measured(t, quality) for t in points], style, label=label)
        axes.plot(
            [choice.trial.values[1]],
            [measured(choice.trial, quality)],
            "s",
            markersize=9,
            label="chosen",
        )
        axes.legend()
    return axes.svg


def _by_quality(trial: FrozenTrial) -> FrozenTrial:
    return create_trial(
        state=trial.state,
        value=trial.values[0],
        params=trial.params,
        distributions=trial.distributions,
    )
