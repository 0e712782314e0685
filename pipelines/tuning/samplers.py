"""Samplers by name: what a trial tries, as a function of the trials before it.

Each takes (space, history, slot, seed) and uses what it needs; the seed is the search's. Slots
begin at 1, because slot 0 tries the defaults.
"""
# ruff: noqa: ARG001 (one signature for all of them)

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import optuna

from pipelines.models.space import Knob, Value

History = Sequence[optuna.trial.FrozenTrial]
Params = dict[str, Value]
_STRIDE = 7919


def tpe(space: Mapping[str, Knob], history: History, slot: int, seed: int) -> Params:
    """Tree-structured Parzen estimator (Bergstra et al. 2011), Optuna's."""
    sampler = optuna.samplers.TPESampler(
        seed=_of_slot(seed, slot), n_startup_trials=6, multivariate=True
    )
    return _ask(sampler, space, history)


def random(space: Mapping[str, Knob], history: History, slot: int, seed: int) -> Params:
    """Uniform and independent."""
    return _ask(optuna.samplers.RandomSampler(seed=_of_slot(seed, slot)), space, history)


def qmc(space: Mapping[str, Knob], history: History, slot: int, seed: int) -> Params:
    """The next point of one scrambled Sobol sequence: random, but evenly spread."""
    from scipy.stats import qmc as sequences

    # One sequence for the whole search, so every slot has the same seed.
    sobol = sequences.Sobol(len(space), scramble=True, rng=seed)
    if slot > 1:  # scipy cannot go forward by nothing
        sobol.fast_forward(slot - 1)
    point = sobol.random(1)[0]
    return {name: knob.at(float(u)) for (name, knob), u in zip(space.items(), point, strict=True)}


def grid(space: Mapping[str, Knob], history: History, slot: int, seed: int) -> Params:
    """Three values of every knob, all combinations; starts over when they are used up."""
    combinations = list(itertools.product(*(knob.grid() for knob in space.values())))
    # A large prime visits all of them and spreads a short search over the whole grid.
    chosen = combinations[(slot - 1) * _STRIDE % len(combinations)]
    return dict(zip(space, chosen, strict=True))


def _of_slot(seed: int, slot: int) -> int:
    """Slots of one search, and the same slot of two searches, share no random numbers."""
    return int(np.random.SeedSequence([seed, slot]).generate_state(1)[0])


def _ask(
    sampler: optuna.samplers.BaseSampler,
    space: Mapping[str, Knob],
    history: History,
) -> Params:
    study = optuna.create_study(sampler=sampler, direction="maximize")
    study.add_trials(list(history))
    trial = study.ask({name: knob.distribution() for name, knob in space.items()})
    params: dict[str, Any] = trial.params
    return params
