"""Is the challenger shown not to be worse than the champion, by more than the margin?

H0 is that it is worse: delta <= -margin, where delta is how much better the challenger's AUC,
accuracy or mean absolute error is than the champion's on the same rows. The champion keeps its
place until the data reject that. Two questions are asked, and each has its own alpha:

- "may it pass?" at `spent_alpha`: the price of a yes rises each time the same holdout is asked;
- "is it worse?" at the plain `alpha`: a no must not become harder to hear as a holdout wears out.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from pipelines.gates import differences
from pipelines.gates.evidence import Holdout, Paired, plain
from pipelines.settings import GateSettings
from pipelines.statistics import power
from pipelines.statistics.estimate import Estimate
from pipelines.statistics.losses import hit_rows
from pipelines.statistics.multiplicity import spent_alpha
from pipelines.statistics.quality import QUALITIES, value
from pipelines.verdicts import Outcome, Verdict


@dataclass(frozen=True)
class _Needed:
    """How large a holdout would have to be, and for which truth."""

    rows: int | None
    blocks: int | None
    sentence: str


def judge_noninferiority(
    paired: Paired, holdout: Holdout, settings: GateSettings, *, is_forced: bool
) -> Verdict:
    """Compare the measures of the task.

    A forced retrain (decay, schedule, person) passes when delta > -margin is shown. A retrain that
    nothing forced must show delta > minimum_lift as well: a change always costs something, so it
    has to buy something. With `minimum_lift` 0 that is plain superiority, and a model that is as
    good as the champion stays INCONCLUSIVE for ever: that is meant, the champion keeps its place.

    Returns:
        PASSED, FAILED when shown to be worse than the margin (or, unforced, shown not to reach
        the lift), else INCONCLUSIVE with the size of holdout that would settle it.
    """
    estimate = differences.quality(paired, settings)
    measure = QUALITIES[paired.task]
    required = -settings.margin if is_forced else settings.minimum_lift
    price = spent_alpha(settings.alpha, holdout.times_asked)
    lower, upper = estimate.lower(price), estimate.upper(settings.alpha)
    needed = _needed(estimate, paired, settings, required, price)
    evidence = {
        "difference": differences.described(estimate, price),
        "upper_at_plain_alpha": plain(upper),
        "measure": measure.name,
        "challenger": plain(value(paired.task, paired.labels, paired.challenger)),
        "champion": plain(value(paired.task, paired.labels, paired.champion)),
        "margin": settings.margin,
        "required": required,
        "is_forced": is_forced,
        "method": _method(paired),
        "needed_rows": needed.rows,
        "needed_blocks": needed.blocks,
        **_decisions(paired),
    }
    gained = "gain in" if measure.is_loss else "difference of"
    seen = f"{gained} {measure.name} {estimate.value:+.4f}"
    if lower > required:
        reason = f"{seen}, at least {lower:+.4f}, which is above {required:+.4f}"
        return Verdict("non-inferiority", Outcome.PASSED, reason, evidence)
    if upper < -settings.margin:
        reason = f"{seen}, at most {upper:+.4f}: worse by more than the margin {settings.margin}"
        return Verdict("non-inferiority", Outcome.FAILED, reason, evidence)
    if upper < required:
        reason = f"{seen}, at most {upper:+.4f}: unforced, and below the lift of {required}"
        return Verdict("non-inferiority", Outcome.FAILED, reason, evidence)
    reason = (
        f"{seen}, at least {lower:+.4f}, not shown to be above {required:+.4f}; {needed.sentence}"
    )
    return Verdict("non-inferiority", Outcome.INCONCLUSIVE, reason, evidence)


def _method(paired: Paired) -> str:
    if not paired.blocks.are_rows:
        return "block bootstrap"
    return "DeLong" if paired.task == "binary" else "paired mean"


def _decisions(paired: Paired) -> dict[str, Any]:
    """For accuracies of independent rows: on which of them exactly one of the two is right."""
    if paired.task != "multiclass" or not paired.blocks.are_rows:
        return {}
    right = (hit_rows(paired.labels, scores) for scores in (paired.challenger, paired.champion))
    return {"mcnemar": asdict(power.mcnemar(*right))}


def _needed(
    estimate: Estimate, paired: Paired, settings: GateSettings, required: float, price: float
) -> _Needed:
    """Plan for equal models where a margin gives room, else for the lift that was observed."""
    truth = 0.0 if required < 0 else estimate.value
    distance = truth - required
    if distance <= 0:
        return _Needed(None, None, "no holdout is large enough if the truth is what was observed")
    if not estimate.standard_error > 0:
        return _Needed(None, None, "the two never ranked a pair differently; use a larger holdout")
    have = paired.labels.size
    if paired.blocks.are_rows:
        rows = power.needed_rows(estimate, have, distance, price, settings.power)
        blocks = None
        size = f"{rows} rows (there are {have})"
    else:
        ratio = power.needed_blocks(estimate, distance, price, settings.power) / estimate.units
        rows, blocks = math.ceil(have * ratio), math.ceil(paired.blocks.count * ratio)
        size = f"about {rows} rows in {blocks} blocks (there are {have} in {paired.blocks.count})"
    if rows <= have:
        sentence = f"{size} are enough for equal models, so it is likely a little worse"
        return _Needed(rows, blocks, sentence)
    case = "equal models" if required < 0 else "a lift as observed"
    return _Needed(rows, blocks, f"needs {size} to tell, with power {settings.power} for {case}")
