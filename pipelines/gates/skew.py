"""Is the model that is served the model that was trained?

The same golden rows go through every stage of the path (training code, ONNX, the bento, its
protocols); each stage must repeat its predecessor's answers. One leg may round: the conversion
to ONNX computes in single precision.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pipelines.gates.evidence import Leg, plain
from pipelines.inference.answers import distance
from pipelines.schema import Task
from pipelines.statistics.arrays import Floats
from pipelines.verdicts import Outcome, Verdict, combine

GOLDEN_ROWS = 1000
CONVERSION_TOLERANCE = 1e-4


def conversion_leg(source: str, before: Floats, target: str, after: Floats, task: Task) -> Leg:
    """The leg across the ONNX conversion.

    Args:
        source: name of the earlier stage.
        before: its answers, as `Candidate.scores`.
        target: name of the later stage.
        after: its answers to the same rows.
        task: what is answered.
    """
    apart = distance(before, after, task)
    return Leg(source, target, apart, CONVERSION_TOLERANCE, len(before))


def judge_skew(legs: Sequence[Leg]) -> Verdict:
    """Every leg within its tolerance on at least 1,000 golden rows."""
    return combine("skew", [_judge_leg(leg) for leg in legs])


def _judge_leg(leg: Leg) -> Verdict:
    name = f"{leg.source} to {leg.target}"
    evidence = {
        "largest_difference": plain(leg.difference),
        "tolerance": leg.tolerance,
        "rows": int(leg.rows),
    }
    if not math.isfinite(leg.difference):
        return Verdict(name, Outcome.FAILED, "the answers do not compare", evidence)
    seen = f"largest difference {leg.difference:.2g} on {leg.rows} golden rows"
    if leg.difference > leg.tolerance:
        return Verdict(name, Outcome.FAILED, f"{seen}, allowed {leg.tolerance:.0e}", evidence)
    if leg.rows < GOLDEN_ROWS:
        return Verdict(name, Outcome.INCONCLUSIVE, f"{seen}, needs {GOLDEN_ROWS} rows", evidence)
    return Verdict(name, Outcome.PASSED, seen, evidence)
