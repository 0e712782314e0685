"""Is the packaged model fast and small enough for where it will run?"""

from __future__ import annotations

import math

from pipelines.gates.evidence import Candidate, plain
from pipelines.settings import BudgetSettings
from pipelines.verdicts import Outcome, Verdict, combine


def judge_budget(challenger: Candidate, budget: BudgetSettings) -> Verdict:
    """p99 latency of one row and size of the model file, each against its limit."""
    return combine(
        "budget",
        (
            _within("latency", challenger.latency_ms, budget.latency_ms, ("ms", "latency_ms")),
            _within("size", challenger.megabytes, budget.megabytes, ("MB", "megabytes")),
        ),
    )


def _within(
    name: str, measured: float | None, limit: float, unit_and_key: tuple[str, str]
) -> Verdict:
    unit, key = unit_and_key
    evidence = {"measured": plain(measured), "limit": limit, "unit": unit}
    if measured is None or not math.isfinite(measured):
        return Verdict(name, Outcome.INCONCLUSIVE, "was not measured", evidence)
    seen = f"{measured:.3g} {unit}, allowed {limit:.3g} {unit}"
    if measured <= limit:
        return Verdict(name, Outcome.PASSED, seen, evidence)
    reason = f"{seen}: raise gate.budget.{key}, or make the model smaller (train.compress)"
    return Verdict(name, Outcome.FAILED, reason, evidence)
