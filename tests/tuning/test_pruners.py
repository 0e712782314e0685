"""A pruner stops what is behind, and says the same every time it is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from pipelines import registry
from pipelines.models.space import Value
from pipelines.tuning.pruners import decide
from tests.tuning.scoring import RUNGS, SPACE

every_pruner = pytest.mark.parametrize("name", sorted(registry.PRUNERS))


def finished(
    slot: int, scores: Sequence[float], params: Mapping[str, Value] | None = None
) -> FrozenTrial:
    chosen = dict(params or {"x": 0.5, "n": 10, "kind": "a"})
    return optuna.trial.create_trial(
        state=TrialState.COMPLETE,
        value=scores[-1],
        params=chosen,
        distributions={name: SPACE[name].distribution() for name in chosen},
        user_attrs={"slot": slot},
        intermediate_values=dict(enumerate(scores, start=1)),
    )


def is_pruned(name: str, history: Sequence[FrozenTrial], slot: int, *scores: float) -> bool:
    pruner = registry.load(registry.PRUNERS, name)(RUNGS)
    return decide(pruner, "key", history, slot, scores).is_pruned


def history(count: int) -> list[FrozenTrial]:
    return [finished(slot, [0.6, 0.7, 0.8]) for slot in range(count)]


def test_none_stops_nothing() -> None:
    assert not is_pruned("none", history(20), 20, 0.0)
    assert not is_pruned("none", history(20), 20, 0.0, 0.0)


def test_median_stops_what_is_below_the_median_of_its_rung() -> None:
    assert is_pruned("median", history(6), 8, 0.59)
    assert not is_pruned("median", history(6), 8, 0.61)
    assert is_pruned("median", history(6), 8, 0.61, 0.65)


def test_median_waits_until_enough_is_known() -> None:
    assert not is_pruned("median", history(3), 8, 0.0)
    assert is_pruned("median", history(4), 8, 0.0)


@every_pruner
def test_the_first_trial_has_nothing_to_be_behind(name: str) -> None:
    assert not is_pruned(name, [], 0, 0.1)
    assert not is_pruned(name, [], 0, 0.1, 0.2)


@every_pruner
def test_asked_again_it_says_the_same(name: str) -> None:
    for slot in range(6, 12):
        answers = {is_pruned(name, history(6), slot, 0.6 + slot / 1000) for _ in range(3)}
        assert len(answers) == 1


def test_hyperband_lets_the_better_third_of_a_bracket_go_on() -> None:
    """What it notes of a trial is what it holds the later ones to."""
    pruner = registry.load(registry.PRUNERS, "hyperband")
    known: list[FrozenTrial] = []
    pruned = []
    for slot in range(30):
        score = (slot * 17 % 30) / 30
        decision = decide(pruner(RUNGS), "key", known, slot, [score])
        pruned.append((score, decision.is_pruned))
        trial = finished(slot, [score])
        trial.system_attrs = decision.notes
        known.append(trial)
    stopped = [score for score, was in pruned if was]
    kept = [score for score, was in pruned if not was]
    assert len(stopped) >= 5
    assert max(kept) > max(stopped)
    assert sum(kept) / len(kept) > sum(stopped) / len(stopped)
