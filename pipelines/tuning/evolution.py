"""CMA-ES under the rule of slots: a search distribution that is told whole generations.

Covariance matrix adaptation (Hansen and Ostermeier 2001; Hansen, "The CMA Evolution Strategy: A
Tutorial", 2016), the `cmaes` library's. Optuna's own sampler keeps the pickled state on trials;
a pickle in a database that several machines write to is code that they run, so here the state is
derived from the history instead, turn by turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
from cmaes import CMA
from numpy.typing import NDArray
from optuna.trial import FrozenTrial, TrialState

from pipelines.models.space import Choice
from pipelines.tuning.samplers import tpe
from pipelines.tuning.turn import Params, Suggestion, Turn
from pipelines.tuning.unit import Numeric, position, value_at

_FIRST_SIGMA = 1 / 6  # of a knob's range: from the middle, the ends are three sigma away


def cmaes(turn: Turn) -> Suggestion:
    """CMA-ES for the numeric knobs; TPE for the choices, which have no covariance."""
    numeric: dict[str, Numeric] = {
        name: knob.distribution()
        for name, knob in turn.space.items()
        if not isinstance(knob, Choice)
    }
    strategy = _strategy(turn, len(numeric))
    for generation in _generations(turn, strategy.population_size):
        strategy.tell(_ranked(generation, numeric))
    strategy.reseed_rng(turn.own_seed % 2**32)
    places = dict(zip(numeric, strategy.ask(), strict=True))
    found: Params = {
        name: value_at(distribution, float(places[name])) for name, distribution in numeric.items()
    }
    choices = {name: knob for name, knob in turn.space.items() if isinstance(knob, Choice)}
    if choices:
        found |= tpe(replace(turn, space=choices)).params
    return Suggestion({name: found[name] for name in turn.space})


def _strategy(turn: Turn, knobs: int) -> CMA:
    return CMA(
        mean=np.full(knobs, 0.5),
        sigma=_FIRST_SIGMA,
        bounds=np.tile([0.0, 1.0], (knobs, 1)),
        seed=turn.seed % 2**32,
    )


def _generations(turn: Turn, size: int) -> Iterator[list[FrozenTrial]]:
    """The generations that slot `turn.slot` may know of.

    The first begins with slot 1. A slot belongs to a later generation when all of the one before
    lies within its history, which is `lag` slots after that generation's last. Slots in between
    are sampled as well, from the distribution that is known, but it is not told of them: they
    are not of the next one.
    """
    first = 1
    while first + size <= len(turn.history):
        yield list(turn.history[first : first + size])
        first += size - 1 + turn.lag


def _ranked(
    generation: list[FrozenTrial], numeric: Mapping[str, Numeric]
) -> list[tuple[NDArray[np.float64], float]]:
    """The points of a generation with their ranks, 0 for the best; CMA-ES uses nothing else.

    One that was pruned ranks behind all that were completed.
    """
    best_first = sorted(
        generation,
        key=lambda trial: (trial.state is TrialState.COMPLETE, trial.value),
        reverse=True,
    )
    return [
        (np.array([position(numeric[name], trial.params[name]) for name in numeric]), float(rank))
        for rank, trial in enumerate(best_first)
    ]
