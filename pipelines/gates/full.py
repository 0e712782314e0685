"""What an incremental training gave up against a full one, and what it saved. Evidence only.

It never blocks: the gate has its own tests, and a child that passes them is as good as it must be.
But a model that only ever goes on drifts away from what all of its rows would teach it, slowly and
without failing any comparison with its own parent, and somebody has to say so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from pipelines.gates import differences
from pipelines.gates.evidence import Holdout, Paired, plain
from pipelines.gates.usable import judge_holdout
from pipelines.settings import GateSettings
from pipelines.statistics.arrays import Floats
from pipelines.statistics.blocks import Blocks
from pipelines.statistics.quality import QUALITIES, value
from pipelines.verdicts import Verdict

# Where it stands in the evidence of the gate's verdict.
FULL = "full_training"


@dataclass(frozen=True, eq=False)
class Fit:
    """One of the two trainings.

    Attributes:
        scores: on the rows of the holdout; see `Candidate.scores`.
        seconds: that the fit took.
        rows: that it was fitted on.
    """

    scores: Floats
    seconds: float
    rows: int


def with_full(
    verdict: Verdict, pair: tuple[Fit, Fit], holdout: Holdout, settings: GateSettings
) -> Verdict:
    """The gate's verdict with the comparison in its evidence; the outcome stays what it is.

    Args:
        verdict: of the gate.
        pair: the incremental training and the full one.
        holdout: the rows that both were asked.
        settings: margin, alpha and seed.

    Returns:
        When the full model is better by more than the margin, and not by luck alone, the reason
        ends with the advice to train in full.
    """
    found = _compared(pair, holdout, settings)
    return advised(replace(verdict, evidence={**verdict.evidence, FULL: found}))


def advised(verdict: Verdict) -> Verdict:
    """The verdict with the advice of its evidence in the reason, once.

    Whoever joins it with further parts makes a new reason, and asks for the advice again.
    """
    found = verdict.evidence.get(FULL)
    if not found or not found["is_full_better"] or found["sentence"] in verdict.reason:
        return verdict
    return replace(verdict, reason=f"{verdict.reason}; {found['sentence']}")


def without_full(verdict: Verdict, why: str) -> Verdict:
    """The gate's verdict where the comparison could not be made, which is said and no more."""
    said = {"is_full_better": None, "sentence": f"Not compared with a full training: {why}"}
    return replace(verdict, evidence={**verdict.evidence, FULL: said})


def _compared(pair: tuple[Fit, Fit], holdout: Holdout, settings: GateSettings) -> dict[str, Any]:
    part, whole = pair
    usable = judge_holdout(holdout)
    if not usable.has_passed:
        return {
            "is_full_better": None,
            "sentence": f"Not compared with a full training: the holdout is {usable.reason}",
        }
    paired = Paired(
        holdout.task, holdout.labels, whole.scores, part.scores, Blocks.of(holdout.blocks)
    )
    estimate = differences.quality(paired, settings)
    lower, upper = estimate.lower(settings.alpha / 2), estimate.upper(settings.alpha / 2)
    measure = QUALITIES[holdout.task]
    is_better = estimate.value > settings.margin and lower > 0
    rates = [value(holdout.task, holdout.labels, each.scores) for each in pair]
    gained = f"{measure.name} {rates[1]:.4f} against {rates[0]:.4f}"
    between = f"{lower:+.4f} to {upper:+.4f}"
    times = f"in {whole.seconds:.2g} s instead of {part.seconds:.2g} s"
    if is_better:
        sentence = (
            f"a full training is better by more than the margin {settings.margin:g} "
            f"({gained}, a gain of {estimate.value:+.4f}, {between}), {times}: train in full "
            "(train.mode: full)"
        )
    else:
        sentence = (
            f"a full training is not shown to be better by more than the margin "
            f"{settings.margin:g} ({gained}, a gain of {estimate.value:+.4f}, {between}), {times}"
        )
    return {
        "is_full_better": bool(is_better),
        "sentence": sentence,
        "measure": measure.name,
        "margin": settings.margin,
        "gain": {
            "value": plain(estimate.value),
            "low": plain(lower),
            "high": plain(upper),
            "confidence": 1 - settings.alpha,
        },
        "trainings": [
            {
                "training": name,
                "rows": int(each.rows),
                "seconds": round(float(each.seconds), 3),
                "quality": plain(rate),
            }
            for name, each, rate in zip(("incremental", "full"), pair, rates, strict=True)
        ],
    }
