"""Simulated annealing as a sampler of Optuna's kind.

A walk through the space: the next trial is a neighbour of the current one; a better one becomes
current, a worse one with probability exp(-loss / temperature) (Metropolis et al. 1953), and the
temperature sinks (Kirkpatrick, Gelatt and Vecchi, "Optimization by Simulated Annealing", Science
220, 1983). The steps shrink with the temperature, as Szu and Hartley ("Fast simulated
annealing", Physics Letters A 122, 1987) do for continuous spaces, and are Gaussian here.

The walk is not stored anywhere: it is walked again, from the finished trials in their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from pipelines.tuning.unit import position, value_at

_RANDOM_TRIALS = 4
_COOLING = 0.92  # a trial; 0.05 of the heat is left after 36
_WIDEST = 0.3  # standard deviation of a step at the beginning, in shares of a knob's range
_NARROWEST = 0.02
_FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


class AnnealingSampler(optuna.samplers.BaseSampler):
    """Simulated annealing over numeric and categorical parameters; one objective.

    Args:
        seed: of the step that is sampled next.
        walk_seed: of the decisions whether a worse trial became the current one. Samplers that
            are to see the same walk need the same.
    """

    def __init__(self, seed: int, walk_seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._walk_seed = walk_seed
        self._independent = optuna.samplers.RandomSampler(seed=seed)

    def infer_relative_search_space(
        self,
        study: Study,
        trial: FrozenTrial,  # noqa: ARG002 (Optuna's signature)
    ) -> dict[str, BaseDistribution]:
        """All parameters that every finished trial had."""
        trials = study.get_trials(deepcopy=False)
        return optuna.search_space.intersection_search_space(trials, include_pruned=True)

    def sample_relative(
        self,
        study: Study,
        trial: FrozenTrial,  # noqa: ARG002 (Optuna's signature)
        search_space: dict[str, BaseDistribution],
    ) -> dict[str, Any]:
        """A neighbour of the current trial; nothing while too few are finished to have a scale."""
        finished = study.get_trials(deepcopy=False, states=_FINISHED)
        if len(finished) < _RANDOM_TRIALS or not search_space:
            return {}
        sign = 1.0 if study.direction is StudyDirection.MAXIMIZE else -1.0
        heat = _COOLING ** (len(finished) - _RANDOM_TRIALS)
        return _neighbour(self._current(finished, sign), search_space, heat, self._rng)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Uniformly random."""
        return self._independent.sample_independent(study, trial, param_name, param_distribution)

    def _current(self, finished: Sequence[FrozenTrial], sign: float) -> FrozenTrial:
        """Where the walk stands after these trials: it begins at the best of the first few."""
        first, rest = finished[:_RANDOM_TRIALS], finished[_RANDOM_TRIALS:]
        # Their spread is the scale of the scores: an AUC and an error in minutes have others.
        scale = float(np.std([_score(trial, sign) for trial in first])) or 1.0
        current = max(first, key=lambda trial: _score(trial, sign))
        draws = np.random.default_rng(self._walk_seed).random(len(rest))
        for step, (trial, draw) in enumerate(zip(rest, draws, strict=True)):
            loss = _score(current, sign) - _score(trial, sign)
            # One that was pruned never showed what it is worth.
            is_known = trial.state is TrialState.COMPLETE
            if is_known and draw < np.exp(-max(loss, 0.0) / (scale * _COOLING**step)):
                current = trial
        return current


def _score(trial: FrozenTrial, sign: float) -> float:
    assert trial.value is not None, "a finished trial has a value"
    return sign * trial.value


def _neighbour(
    current: FrozenTrial, space: dict[str, BaseDistribution], heat: float, rng: np.random.Generator
) -> dict[str, Any]:
    width = max(_WIDEST * heat, _NARROWEST)
    found: dict[str, Any] = {}
    for name, distribution in space.items():
        value = current.params[name]
        if isinstance(distribution, CategoricalDistribution):
            # As often as a numeric knob leaves its neighbourhood.
            others = [choice for choice in distribution.choices if choice != value]
            is_moved = bool(others) and rng.random() < width
            found[name] = others[int(rng.integers(len(others)))] if is_moved else value
        else:
            place = position(distribution, value) + rng.normal(0.0, width)
            found[name] = value_at(distribution, _reflected(place))
    return found


def _reflected(place: float) -> float:
    """A step over an end of the range comes back, so the ends do not collect the trials."""
    place = abs(place) % 2.0
    return 2.0 - place if place > 1.0 else place
