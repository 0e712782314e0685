"""What a trial is judged by: quality alone, or quality against what the model costs to run.

The cost is `latency`, milliseconds, or `size`, megabytes; less is better. A trial's values are
in the order of `tune.objectives`, and quality stands first in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from optuna.trial import FrozenTrial, TrialState

from pipelines.errors import ModelError
from pipelines.settings import BudgetSettings, Objective


@dataclass(frozen=True)
class Choice:
    """The trial to train with.

    Attributes:
        trial: it.
        front: for two objectives, the Pareto front, the best quality first: no other completed
            trial is as good in both and better in one. For one objective, the trial alone.
        is_within_budget: for two objectives, whether its cost is within the gate's budget.
    """

    trial: FrozenTrial
    front: list[FrozenTrial]
    is_within_budget: bool = True


def directions(objectives: Sequence[Objective]) -> tuple[str, ...]:
    """Optuna's words for them."""
    return tuple("maximize" if name == "quality" else "minimize" for name in objectives)


def limit(objective: Objective, budget: BudgetSettings) -> float:
    """What the gate will allow of a cost, in the unit of the objective."""
    return {"latency": budget.latency_ms, "size": budget.megabytes}[objective]


def choose(
    trials: Sequence[FrozenTrial], objectives: Sequence[Objective], budget: BudgetSettings
) -> Choice:
    """The trial with the highest quality; with two objectives, the one that the gate can accept.

    That is the best of the Pareto front whose cost is within the budget. If none is, it is the
    best of all: the gate will then say by how much it is too slow or too large, which helps
    more than a silent choice of the least bad. The earliest of equals.

    Raises:
        ModelError: every trial was pruned.
    """
    completed = [trial for trial in trials if trial.state is TrialState.COMPLETE]
    if not completed:
        raise ModelError(
            "every trial was pruned",
            where="params.yaml: tune.pruner",
            next_step="use `none`, or more trials",
        )
    ranked = sorted(completed, key=lambda trial: -trial.values[0])  # stable: the earliest first
    if len(objectives) == 1:
        return Choice(ranked[0], ranked[:1])
    front = pareto_front(ranked)
    allowed = limit(objectives[1], budget)
    affordable = [trial for trial in front if trial.values[1] <= allowed]
    return Choice((affordable or front)[0], front, is_within_budget=bool(affordable))


def pareto_front(ranked: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The trials that no other dominates, of trials in the order of their quality, best first.

    Going down in quality, a trial is on the front when it is cheaper than all before it. Among
    trials of equal quality only the cheapest is.
    """
    front: list[FrozenTrial] = []
    for trial in sorted(ranked, key=lambda trial: (-trial.values[0], trial.values[1])):
        if not front or trial.values[1] < front[-1].values[1]:
            front.append(trial)
    return front
