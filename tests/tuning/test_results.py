"""What study/ says of a search, in the unit of the measure."""

from __future__ import annotations

from pipelines.statistics.quality import QUALITIES
from pipelines.tuning import plots, results
from pipelines.tuning.objectives import choose
from tests.small import settings
from tests.tuning.test_objectives import trial
from tests.tuning.test_pruners import finished

MAE = QUALITIES["regression"]
AUC = QUALITIES["binary"]


def test_an_error_is_said_as_an_error() -> None:
    trials = [finished(slot, [-score]) for slot, score in enumerate([9.0, 4.0, 6.0])]
    chosen = settings(train={"fixed": {"C": 2.0}})
    choice = choose(trials, ("quality",), chosen.gate.budget)
    assert results.best(trials, choice, chosen, MAE) == {
        "params": {"x": 0.5, "n": 10, "kind": "a", "C": 2.0},
        "metric": "mae",
        "tuning_score": 4.0,
        "default_score": 9.0,
        "trial": 1,
        "trials": 3,
        "pruned": 0,
    }
    assert [row["score"] for row in results.rows(trials, chosen, MAE)] == [9.0, 4.0, 6.0]
    assert plots._best_so_far(trials, MAE) == ([0, 1, 2], [9.0, 4.0, 4.0])
    assert "mean absolute error" in plots.history(trials, MAE)


def test_a_cost_stands_under_its_unit() -> None:
    trials = [trial(0, 0.7, 8.0), trial(1, 0.9, 30.0), trial(2, 0.6, 9.0)]
    chosen = settings(
        tune={"objectives": ["quality", "size"], "pruner": "none"},
        gate={"budget": {"megabytes": 10}},
    )
    choice = choose(trials, chosen.tune.objectives, chosen.gate.budget)
    assert results.best(trials, choice, chosen, AUC)["megabytes"] == 8.0
    row = results.rows(trials, chosen, AUC)[1]
    assert (row["score"], row["megabytes"]) == (0.9, 30.0)
    assert "cost" not in row
    assert results.pareto(choice, chosen, chosen.gate.budget, AUC) == {
        "objectives": ["auc", "megabytes"],
        "chosen": 0,
        "budget": 10.0,
        "is_within_budget": True,
        "front": [
            {"trial": 1, "auc": 0.9, "megabytes": 30.0, "params": {}},
            {"trial": 0, "auc": 0.7, "megabytes": 8.0, "params": {}},
        ],
    }
    drawn = plots.pareto(trials, choice, "size", AUC)
    assert drawn == plots.pareto(trials, choice, "size", AUC)
    for label in ("Pareto front", "chosen", "megabytes", "AUC on the tuning rows"):
        assert label in drawn
