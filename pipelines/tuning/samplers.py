"""Samplers by name: what a trial tries, as a function of the trials before it."""

from __future__ import annotations

import math

import optuna

from pipelines.models.space import Value
from pipelines.tuning.annealing import AnnealingSampler
from pipelines.tuning.turn import Suggestion, Turn, ask

_STRIDE = 7919
# Small, because a search here has tens of trials: of Optuna's 50 all would be the first
# generation, which is random.
_POPULATION = 8


def tpe(turn: Turn) -> Suggestion:
    """Tree-structured Parzen estimator (Bergstra et al. 2011), Optuna's."""
    return ask(
        optuna.samplers.TPESampler(seed=turn.own_seed, n_startup_trials=6, multivariate=True), turn
    )


def genetic(turn: Turn) -> Suggestion:
    """NSGA-II (Deb et al. 2002), Optuna's: crossover and mutation of the best so far.

    It notes on a trial which generation it belongs to; parents are selected anew from the
    history at every turn.
    """
    return ask(optuna.samplers.NSGAIISampler(seed=turn.own_seed, population_size=_POPULATION), turn)


def annealing(turn: Turn) -> Suggestion:
    """Simulated annealing; see `pipelines/tuning/annealing.py`."""
    return ask(AnnealingSampler(turn.own_seed, walk_seed=turn.seed), turn)


def random(turn: Turn) -> Suggestion:
    """Uniform and independent."""
    return ask(optuna.samplers.RandomSampler(seed=turn.own_seed), turn)


def qmc(turn: Turn) -> Suggestion:
    """The next point of one scrambled Sobol sequence: random, but evenly spread."""
    from scipy.stats import qmc as sequences

    # One sequence for the whole search, so every slot has the same seed.
    sobol = sequences.Sobol(len(turn.space), scramble=True, rng=turn.seed)
    if turn.slot > 1:  # scipy cannot go forward by nothing
        sobol.fast_forward(turn.slot - 1)
    point = sobol.random(1)[0]
    knobs = zip(turn.space.items(), point, strict=True)
    return Suggestion({name: knob.at(float(share)) for (name, knob), share in knobs})


def grid(turn: Turn) -> Suggestion:
    """Three values of every knob, all combinations; starts over when they are used up."""
    values = [knob.grid() for knob in turn.space.values()]
    # A large prime visits all of them and spreads a short search over the whole grid. They are
    # counted, not listed: a dozen knobs have half a million combinations.
    place = (turn.slot - 1) * _STRIDE % math.prod(map(len, values))
    chosen: dict[str, Value] = {}
    for name, allowed in reversed(list(zip(turn.space, values, strict=True))):
        place, index = divmod(place, len(allowed))
        chosen[name] = allowed[index]
    return Suggestion({name: chosen[name] for name in turn.space})
