"""Pruners by name: whether a trial is worth its next rung."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState, create_trial


def median(rungs: int) -> optuna.pruners.BasePruner:  # noqa: ARG001
    """Stop what is below the median of the finished trials at the same rung."""
    return optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=0)


def hyperband(rungs: int) -> optuna.pruners.BasePruner:
    """Successive halving in several brackets (Li et al. 2018)."""
    return optuna.pruners.HyperbandPruner(min_resource=1, max_resource=rungs, reduction_factor=3)


def none(rungs: int) -> optuna.pruners.BasePruner:  # noqa: ARG001
    """Every trial is trained to its end."""
    return optuna.pruners.NopPruner()


@dataclass(frozen=True)
class Decision:
    """Whether to stop a trial, and what the pruner has to be told of it when it judges others."""

    is_pruned: bool
    notes: dict[str, Any]


def decide(
    pruner: optuna.pruners.BasePruner,
    key: str,
    history: Sequence[FrozenTrial],
    slot: int,
    scores: Sequence[float],
) -> Decision:
    """Ask a pruner about trial `slot`, whose rungs so far gave `scores`.

    The trial is lived through again in a study in memory that holds `history` only, so that the
    answer does not depend on what else happens to be finished by now.

    Args:
        pruner: to ask.
        key: of the search; Hyperband draws a trial's bracket from it and from the slot.
        history: finished trials of the slots before this one, in the order of the slots.
        slot: of the trial.
        scores: one a rung, the first rung first.
    """
    sampler = optuna.samplers.RandomSampler(seed=0)
    study = optuna.create_study(
        study_name=key, sampler=sampler, pruner=pruner, direction="maximize"
    )
    study.add_trials(history)
    # Slots that are not known yet: they keep the numbers of trials and slots the same.
    study.add_trials([create_trial(state=TrialState.FAIL)] * (slot - len(history)))
    trial = study.ask()
    is_pruned = False
    for rung, score in enumerate(scores, start=1):
        trial.report(score, rung)
        is_pruned = trial.should_prune()
    return Decision(is_pruned, dict(study.trials[slot].system_attrs))
