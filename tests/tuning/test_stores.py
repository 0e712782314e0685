"""What a store makes of the trials in it."""

from __future__ import annotations

from optuna.trial import TrialState

from pipelines.tuning.stores import by_slot
from tests.tuning.test_pruners import finished


def test_of_two_for_one_slot_the_earlier_counts() -> None:
    trials = [finished(3, [0.5]), finished(1, [0.4]), finished(3, [0.9])]
    assert {slot: trial.value for slot, trial in by_slot(trials).items()} == {3: 0.5, 1: 0.4}


def test_only_what_is_finished_is_there() -> None:
    trials = [finished(slot, [0.5]) for slot in range(3)]
    trials[0].state, trials[1].state = TrialState.FAIL, TrialState.PRUNED
    assert list(by_slot(trials)) == [1, 2]
