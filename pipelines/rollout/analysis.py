"""What the evidence so far says of this step: harm, enough, or not enough yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from pipelines.rollout import wording
from pipelines.rollout.evidence import WRONG
from pipelines.rollout.plan import MIRROR, Plan
from pipelines.rollout.tally import MetricTally, Tally, metrics_of, relative_test
from pipelines.settings import RolloutSettings
from pipelines.statistics.sequential.bad_rate import log_e_below
from pipelines.statistics.sequential.bounded_mean import Moments
from pipelines.statistics.sequential.mixture import log_threshold
from pipelines.statistics.sequential.rate_ratio import log_e, log_e_of_starts
from pipelines.verdicts import Outcome, Verdict, combine

# A rate that is good enough in itself passes only while the comparison is not suspicious: five
# times a rare error may still be rare. Costs nothing in error rates, as it only ever withholds.
SUSPICION = float(np.log(5))
_PAIRED = ("disagreement", "gap")


def judge(tally: Tally, plan: Plan, stage: int) -> Verdict:
    """What is known at this look; valid however often one looks.

    Args:
        tally: the evidence so far.
        plan: versions and settings of the rollout.
        stage: the number of the stage in `plan.stages`.

    Returns:
        FAILED when any metric shows harm, PASSED when every one that is asked for is shown to be
        fine, INCONCLUSIVE otherwise.
    """
    verdict = combine("rollout step", _parts(tally, plan, stage))
    evidence = {
        "weight_percent": plan.stages[stage],
        "harm_needed": harm_needed(plan.settings),
        "not_asked": sorted({WRONG, *_PAIRED} - {part.name for part in verdict.parts}),
    }
    return replace(verdict, evidence=evidence)


def harm_needed(settings: RolloutSettings) -> float:
    """The logarithm that an e-process of harm has to reach: `alpha_rollback`, shared out evenly."""
    # Pairs come from a replay as well, so they may roll back without a mirror, too.
    return log_threshold(settings.alpha_rollback / (len(metrics_of(settings)) + len(_PAIRED)))


def _parts(tally: Tally, plan: Plan, stage: int) -> Iterator[Verdict]:
    settings = plan.settings
    for name in metrics_of(settings):
        verdict = judge_metric(name, tally.metrics[name], settings)
        is_asked = name != WRONG or (settings.labels == "require" and plan.stages[stage] != MIRROR)
        if is_asked or verdict.outcome is Outcome.FAILED:
            yield verdict
    expected = (plan.expected.disagreement, plan.expected.gap)
    seen = (tally.pairs.disagreements, tally.pairs.gaps)
    for name, moments, there in zip(_PAIRED, seen, expected, strict=True):
        verdict = judge_pairs(name, moments, there, settings)
        if plan.stages[stage] == MIRROR or verdict.outcome is Outcome.FAILED:
            yield verdict


def judge_metric(name: str, metric: MetricTally, settings: RolloutSettings) -> Verdict:
    """One kind of bad event: is it more frequent, and if not, is that shown?

    A step may pass in either of two ways, each at half of `alpha_promote`: the rate is no multiple
    of the champion's, or it is good enough in itself. Wrong answers have the first way only.
    """
    found = _Found.of(name, metric, settings)
    needed_for_harm = harm_needed(settings)
    if found.log_e_harm >= needed_for_harm:
        seen = wording.counts(metric.all_challenger, metric.all_champion)
        reason = f"harm is shown, {wording.e(found.log_e_harm, needed_for_harm)}"
        return Verdict(name, Outcome.FAILED, f"{seen}: {reason}", found.evidence(metric))
    outcome, reason = _enough(found, metric.challenger.requests, settings)
    seen = wording.counts(metric.challenger, metric.champion)
    return Verdict(name, outcome, f"{seen}: {reason}", found.evidence(metric))


@dataclass(frozen=True)
class _Found:
    """The e-processes of a metric, as logarithms, and what they are compared with."""

    log_e_harm: float
    log_e_relative: float
    log_e_absolute: float | None
    pass_needed: float
    ratio: float
    limit: float | None

    @classmethod
    def of(cls, name: str, metric: MetricTally, settings: RolloutSettings) -> _Found:
        limit = None if name == WRONG else float(getattr(settings.bad_rate, name))
        seen = metric.challenger
        return cls(
            log_e_harm=float(log_e_of_starts(np.array(metric.harm))),
            log_e_relative=float(log_e(np.array(metric.relative))),
            log_e_absolute=None
            if limit is None
            else float(log_e_below(seen.requests, seen.bad, limit)),
            pass_needed=log_threshold(settings.alpha_promote / (1 if limit is None else 2)),
            ratio=relative_test(name, settings).boundary,
            limit=limit,
        )

    def evidence(self, metric: MetricTally) -> dict[str, Any]:
        step = {"challenger": asdict(metric.challenger), "champion": asdict(metric.champion)}
        begin = {"challenger": metric.all_challenger, "champion": metric.all_champion}
        since = {arm: asdict(counts) for arm, counts in begin.items()}
        return {**step, "since_begin": since, **asdict(self)}


def _enough(found: _Found, requests: int, settings: RolloutSettings) -> tuple[Outcome, str]:
    """Whether a metric without harm lets the step pass, and why."""
    missing = settings.minimum_requests - requests
    if missing > 0:
        return Outcome.INCONCLUSIVE, f"{missing:,} more requests are needed at least"
    if found.log_e_relative >= found.pass_needed:
        return Outcome.PASSED, f"below {found.ratio:g} times the champion's rate"
    nearest = found.log_e_relative
    if found.limit is not None and found.log_e_absolute is not None:
        if found.log_e_absolute >= found.pass_needed:
            good = f"below {wording.percent(found.limit)}, which is good enough in itself"
            if found.log_e_harm < SUSPICION:
                return Outcome.PASSED, good
            return Outcome.INCONCLUSIVE, f"{good}, but suspiciously above the champion's"
        nearest = max(nearest, found.log_e_absolute)
    short = wording.e(nearest, found.pass_needed)
    return Outcome.INCONCLUSIVE, f"not shown to be fine yet, {short}"


def judge_pairs(name: str, moments: Moments, expected: float, settings: RolloutSettings) -> Verdict:
    """Are the two models as far apart here as on the holdout?

    Further apart, or closer, is training-serving skew: another preprocessing, another file, or the
    champion under the challenger's name.
    """
    low, high = expected - settings.shadow_margin, expected + settings.shadow_margin
    # Beyond 0 and 1 there is nothing to refute.
    beyond = max(
        moments.log_e_above(high) if high < 1 else -np.inf,
        moments.log_e_below(low) if low > 0 else -np.inf,
    )
    within = min(
        moments.log_e_below(high) if high < 1 else np.inf,
        moments.log_e_above(low) if low > 0 else np.inf,
    )
    needed = log_threshold(settings.alpha_promote)
    interval = moments.interval(settings.alpha_promote)
    evidence = {
        "pairs": moments.count,
        "mean": interval.value,
        "low": interval.low,
        "high": interval.high,
        "expected": expected,
        "margin": settings.shadow_margin,
    }
    seen = wording.interval(interval, moments.count, expected)
    # Half of the share for either side.
    harm = harm_needed(settings) + log_threshold(0.5)
    if beyond >= harm:
        return Verdict(name, Outcome.FAILED, f"{seen}: not what was trained is served", evidence)
    if moments.count < settings.minimum_pairs:
        lacking = f"{settings.minimum_pairs - moments.count} more pairs are needed at least"
        return Verdict(name, Outcome.INCONCLUSIVE, f"{seen}: {lacking}", evidence)
    if within >= needed:
        return Verdict(name, Outcome.PASSED, f"{seen}: as on the holdout", evidence)
    return Verdict(name, Outcome.INCONCLUSIVE, f"{seen}: not shown to be the same yet", evidence)
