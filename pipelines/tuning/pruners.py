"""Pruners by name: whether a trial is worth its next rung."""

from __future__ import annotations

import optuna


def median() -> optuna.pruners.BasePruner:
    """Stop what is below the median of the finished trials at the same rung."""
    return optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=0)


def hyperband() -> optuna.pruners.BasePruner:
    """Successive halving in several brackets (Li et al. 2018)."""
    return optuna.pruners.HyperbandPruner(min_resource=1, max_resource=3, reduction_factor=3)


def none() -> optuna.pruners.BasePruner:
    """Every trial is trained to its end."""
    return optuna.pruners.NopPruner()
