"""What passes between a search and its workers survives the way between processes."""

from __future__ import annotations

import pickle

from pipelines.tuning.engine import ATTEMPTS, Scored, died, failed


def test_what_is_said_arrives_as_it_was() -> None:
    for said in (Scored(0.5, is_last=False), Scored(0.7, is_last=True, cost=3.5)):
        assert pickle.loads(pickle.dumps(said)) == said
    fault = pickle.loads(pickle.dumps(failed(ValueError("no convergence"))))
    assert fault.problem == "training failed with ValueError: no convergence"
    assert fault.where == "params.yaml: train.family"


def test_a_death_names_the_trial_and_what_it_tried() -> None:
    error = died(4, "last exit code -9", {"C": 0.5})
    assert error.problem.startswith(f"the worker of trial 4 died {ATTEMPTS} times")
    assert "-9" in error.problem
    assert "{'C': 0.5}" in error.problem
    assert "tune.workers" in error.next_step
