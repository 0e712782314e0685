"""Does the model behave where its users know the answer without data?

Three kinds of case: *direction* (more of a
column never lowers, or never raises, the answer), *boundary* (extreme values) and *missing*
(rows without values). The last two hold when the answer is still an answer: a probability, a
distribution over the classes, a finite number. Who runs the
model measures the violations with the functions here; the verdict takes the numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pipelines.gates.evidence import Case, plain
from pipelines.schema import Task
from pipelines.settings import GateSettings
from pipelines.statistics.arrays import Floats
from pipelines.verdicts import Outcome, Verdict, combine

# Every model meets these, so an absent case means that nobody looked.
_ALWAYS = ("boundary", "missing")


def range_violation(scores: Floats, task: Task) -> float:
    """How far outside 0 to 1 the worst probability lies, or its row's sum from 1.

    0 for none, infinite for a non-number; a value of a regression may lie anywhere.
    """
    if not np.isfinite(scores).all():
        return math.inf
    if task == "regression":
        return 0.0
    outside = float(np.maximum(-scores, scores - 1).max(initial=0.0))
    if task == "binary":
        return outside
    return max(outside, float(np.abs(scores.sum(axis=1) - 1).max(initial=0.0)))


def direction_violation(steps: Floats, *, is_increasing: bool) -> float:
    """Largest step in the wrong direction; infinite for a non-number.

    Args:
        steps: shape (rows, steps), the answers to each row as the column rises.
        is_increasing: whether the answer may only rise with the column.
    """
    if not np.isfinite(steps).all():
        return math.inf
    rises = np.diff(steps, axis=1)
    return float((-rises if is_increasing else rises).max(initial=0.0))


def judge_behaviour(cases: Sequence[Case], settings: GateSettings) -> Verdict:
    """Every case within its tolerance, and every case that must be there present."""
    parts = [_judge_case(case) for case in cases]
    kinds = {case.kind for case in cases}
    parts += [_absent(kind) for kind in _ALWAYS if kind not in kinds]
    directed = {case.subject for case in cases if case.kind == "direction"}
    declared = settings.increasing + settings.decreasing
    parts += [_absent(f"direction: {name}") for name in declared if name not in directed]
    return combine("behaviour", parts)


def _judge_case(case: Case) -> Verdict:
    name = f"{case.kind}: {case.subject}"
    evidence = {
        "violation": plain(case.violation),
        "tolerance": case.tolerance,
        "rows": int(case.rows),
    }
    if case.rows < 1:
        return Verdict(name, Outcome.INCONCLUSIVE, "no rows were tried", evidence)
    if not math.isfinite(case.violation):
        return Verdict(name, Outcome.FAILED, "an answer is not a number", evidence)
    seen = f"off by {case.violation:.2g} over {case.rows} rows, allowed {case.tolerance:.2g}"
    outcome = Outcome.PASSED if case.violation <= case.tolerance else Outcome.FAILED
    return Verdict(name, outcome, seen, evidence)


def _absent(name: str) -> Verdict:
    return Verdict(name, Outcome.INCONCLUSIVE, "was not measured")
