"""The walk of simulated annealing: up always, down while it is warm, in ever smaller steps."""

from __future__ import annotations

import numpy as np
import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from pipelines.tuning.annealing import AnnealingSampler, _neighbour, _reflected
from tests.tuning.scoring import SPACE
from tests.tuning.test_pruners import finished

FIRST = [0.5, 0.6, 0.4, 0.5]  # their spread, 0.07, is the first temperature


def current(scores: list[float], walk_seed: int = 1) -> int:
    trials = [finished(slot, [score]) for slot, score in enumerate([*FIRST, *scores])]
    found: FrozenTrial = AnnealingSampler(0, walk_seed)._current(trials, 1.0)
    return int(found.user_attrs["slot"])


def test_it_begins_at_the_best_of_the_first_few() -> None:
    assert current([]) == 1


def test_better_is_always_taken() -> None:
    assert all(current([0.7], seed) == 4 for seed in range(50))


def test_a_little_worse_is_taken_often_and_much_worse_never() -> None:
    assert 10 <= sum(current([0.57], seed) == 4 for seed in range(50)) <= 45
    assert sum(current([-9.0], seed) == 4 for seed in range(50)) == 0


def test_worse_is_taken_less_often_when_it_is_cold() -> None:
    def taken(step: int) -> int:
        # Far worse trials come before, so only the last one can be taken.
        scores = [*[-9.0] * step, 0.57]
        return sum(current(scores, seed) == 4 + step for seed in range(100))

    assert taken(0) > 3 * taken(40)


def test_one_that_was_pruned_is_not_walked_to() -> None:
    trials = [finished(slot, [score]) for slot, score in enumerate([*FIRST, 0.9])]
    trials[4].state = TrialState.PRUNED
    assert AnnealingSampler(0, 1)._current(trials, 1.0).user_attrs["slot"] == 1


def test_steps_shrink_with_the_heat() -> None:
    here = finished(0, [0.5], {"x": 0.5, "n": 10, "kind": "a"})
    space = {name: knob.distribution() for name, knob in SPACE.items()}

    def spread(heat: float) -> float:
        rng = np.random.default_rng(3)
        return float(np.std([_neighbour(here, space, heat, rng)["x"] for _ in range(300)]))

    assert spread(1.0) > 3 * spread(0.2) > 3 * 0.01


def test_a_step_over_the_end_comes_back() -> None:
    assert [_reflected(place) for place in (-0.2, 0.4, 1.3, 2.1)] == pytest.approx(
        [0.2, 0.4, 0.7, 0.1]
    )


def test_it_works_as_any_sampler_of_optuna() -> None:
    """Asked by Optuna itself, for an error that is to become small."""
    study = optuna.create_study(sampler=AnnealingSampler(5, 5), direction="minimize")
    study.optimize(lambda trial: (trial.suggest_float("x", -5, 5) - 2) ** 2, n_trials=50)
    assert study.best_value < 0.05
    late = [trial.value for trial in study.trials[-10:]]
    early = [trial.value for trial in study.trials[:10]]
    assert np.median(late) < np.median(early)
