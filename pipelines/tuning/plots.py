"""Plots of a study."""

from __future__ import annotations

import optuna
from optuna.trial import FrozenTrial, TrialState

from pipelines.reporting import plots


def history(trials: list[FrozenTrial]) -> str:
    """Score by trial, with the best so far."""
    with plots.figure("Trial", "AUC on the tuning rows") as axes:
        best: list[float] = []
        for trial in trials:
            assert trial.value is not None
            is_complete = trial.state is TrialState.COMPLETE
            best.append(max([*best[-1:], trial.value] if is_complete else best[-1:] or [0.0]))
        for state, marker, label in (
            (TrialState.COMPLETE, "o", "completed"),
            (TrialState.PRUNED, "x", "pruned"),
        ):
            chosen = [(i, t.value) for i, t in enumerate(trials) if t.state is state]
            if chosen:
                axes.plot(*zip(*chosen, strict=True), marker, label=label)
        axes.step(range(len(trials)), best, where="post", label="best so far")
        axes.legend()
    return axes.svg


def knobs(trials: list[FrozenTrial], seed: int) -> str:
    """How much of the score's variance each knob explains (fANOVA, Hutter et al. 2014)."""
    study = optuna.create_study(direction="maximize")
    study.add_trials(trials)
    found: dict[str, float] = {}
    values = {t.value for t in trials if t.state is TrialState.COMPLETE}
    if len(values) > 1:
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=seed)
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    with plots.figure("Share of the score's variance", "") as axes:
        names = list(reversed(found))
        axes.barh(names, [found[name] for name in names])
    return axes.svg
