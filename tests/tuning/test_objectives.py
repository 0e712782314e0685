"""Which trial is trained with: the best that the gate can accept, and the front it stands on."""

from __future__ import annotations

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import FrozenTrial, TrialState

from pipelines.errors import ModelError
from pipelines.settings import BudgetSettings
from pipelines.tuning.objectives import choose, directions, pareto_front
from tests.tuning.test_pruners import finished

BOTH = ("quality", "size")
BUDGET = BudgetSettings(latency_ms=1.0, megabytes=10.0)


def trial(slot: int, *values: float) -> FrozenTrial:
    return optuna.trial.create_trial(
        state=TrialState.COMPLETE, values=list(values), user_attrs={"slot": slot}
    )


def slots(trials: list[FrozenTrial]) -> list[int]:
    return [trial.user_attrs["slot"] for trial in trials]


def test_directions() -> None:
    assert directions(("quality",)) == ("maximize",)
    assert directions(BOTH) == ("maximize", "minimize")


def test_one_objective_takes_the_best_and_the_earliest_of_equals() -> None:
    trials = [finished(slot, [score]) for slot, score in enumerate([0.5, 0.7, 0.7, 0.6])]
    assert choose(trials, ("quality",), BUDGET).trial.user_attrs["slot"] == 1


def test_what_was_pruned_is_not_chosen() -> None:
    trials = [finished(slot, [score]) for slot, score in enumerate([0.5, 0.9])]
    trials[1].state = TrialState.PRUNED
    assert choose(trials, ("quality",), BUDGET).trial.user_attrs["slot"] == 0
    trials[0].state = TrialState.PRUNED
    with pytest.raises(ModelError, match="every trial was pruned"):
        choose(trials, ("quality",), BUDGET)


def test_the_best_within_the_budget() -> None:
    trials = [trial(0, 0.9, 30), trial(1, 0.8, 9), trial(2, 0.7, 1), trial(3, 0.6, 5)]
    found = choose(trials, BOTH, BUDGET)
    assert slots(found.front) == [0, 1, 2]
    assert found.trial.user_attrs["slot"] == 1
    assert found.is_within_budget


def test_at_the_limit_is_within_it_as_for_the_gate() -> None:
    assert choose([trial(0, 0.9, 10.0)], BOTH, BUDGET).is_within_budget


def test_the_limit_is_that_of_the_objective() -> None:
    trials = [trial(0, 0.9, 5.0), trial(1, 0.8, 0.5)]
    assert choose(trials, BOTH, BUDGET).trial.user_attrs["slot"] == 0
    assert choose(trials, ("quality", "latency"), BUDGET).trial.user_attrs["slot"] == 1


def test_when_nothing_is_within_the_budget_it_is_the_best_and_says_so() -> None:
    found = choose([trial(0, 0.9, 30), trial(1, 0.8, 20)], BOTH, BUDGET)
    assert found.trial.user_attrs["slot"] == 0
    assert not found.is_within_budget


def test_equal_in_all_is_there_once() -> None:
    assert slots(pareto_front([trial(0, 0.5, 1), trial(1, 0.5, 1), trial(2, 0.5, 2)])) == [0]


values = st.integers(0, 5).map(float)


@given(st.lists(st.tuples(values, values), min_size=1, max_size=12))
def test_the_front_is_what_nobody_dominates(points: list[tuple[float, float]]) -> None:
    front = {tuple(t.values) for t in pareto_front([trial(i, *p) for i, p in enumerate(points)])}

    def is_dominated(point: tuple[float, float]) -> bool:
        return any(q[0] >= point[0] and q[1] <= point[1] and q != point for q in points)

    assert front == {point for point in points if not is_dominated(point)}
