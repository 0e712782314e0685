"""Samplers by name: what a trial tries, as a function of the trials before it.

Each takes (space, history, slot, seed) and uses what it needs; the seed differs by slot.
"""
# ruff: noqa: ARG001 (one signature for all of them)

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import optuna

from pipelines.models.space import Knob, Value

History = Sequence[optuna.trial.FrozenTrial]
Params = dict[str, Value]


def tpe(space: Mapping[str, Knob], history: History, slot: int, seed: int) -> Params:
    """Tree-structured Parzen estimator (Bergstra et al. 2011), Optuna's."""
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=6, multivariate=True)
    return _ask(sampler, space, history)


def random(space: Mapping[str, Knob], history: History, slot: int, seed: int) -> Params:
    """Uniform and independent."""
    return _ask(optuna.samplers.RandomSampler(seed=seed), space, history)


def qmc(space: Mapping[str, Knob], history: History, slot: int, seed: int) -> Params:
    """The next point of one scrambled Sobol sequence: random, but evenly spread."""
    from scipy.stats import qmc as sequences

    # The sequence is one for the whole search: its seed must not vary with the slot.
    sobol = sequences.Sobol(max(1, len(space)), scramble=True, rng=seed - slot)
    sobol.fast_forward(slot)
    point = sobol.random(1)[0]
    return {name: knob.at(float(u)) for (name, knob), u in zip(space.items(), point, strict=False)}


def grid(space: Mapping[str, Knob], history: History, slot: int, seed: int) -> Params:
    """Three values of every knob, all combinations; starts over when they are used up."""
    combinations = list(itertools.product(*(knob.grid() for knob in space.values())))
    # A prime stride visits all of them and spreads a short search over the whole grid.
    chosen = combinations[slot * 7919 % len(combinations)]
    return dict(zip(space, chosen, strict=True))


def _ask(
    sampler: optuna.samplers.BaseSampler,
    space: Mapping[str, Knob],
    history: History,
) -> Params:
    study = optuna.create_study(
        study_name="history", sampler=sampler, direction="maximize", storage=None
    )
    study.add_trials(list(history))
    trial = study.ask({name: knob.distribution() for name, knob in space.items()})
    params: dict[str, Any] = trial.params
    return params
