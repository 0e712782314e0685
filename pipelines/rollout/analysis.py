"""What the evidence so far says of this step: harm, enough, or not enough yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace

import numpy as np

from pipelines.rollout import wording
from pipelines.rollout.evidence import WRONG
from pipelines.rollout.plan import MIRROR, Plan
from pipelines.rollout.tally import MetricTally, Tally, metrics_of
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
    harm = float(log_e_of_starts(np.array(metric.harm)))
    relative = float(log_e(np.array(metric.relative)))
    limit = None if name == WRONG else float(getattr(settings.bad_rate, name))
    absolute = None
    if limit is not None:
        absolute = float(log_e_below(metric.challenger.requests, metric.challenger.bad, limit))
    needed = log_threshold(settings.alpha_promote / (1 if limit is None else 2))
    evidence = {
        "challenger": asdict(metric.challenger),
        "champion": asdict(metric.champion),
        "since_begin": {
            "challenger": asdict(metric.all_challenger),
            "champion": asdict(metric.all_champion),
        },
        "log_e_harm": harm,
        "log_e_relative": relative,
        "log_e_absolute": absolute,
        "pass_needed": needed,
        "limit": limit,
    }
    if harm >= harm_needed(settings):
        seen = wording.counts(metric.all_challenger, metric.all_champion)
        found = f"{seen}: harm is shown, {wording.e(harm, harm_needed(settings))}"
        return Verdict(name, Outcome.FAILED, found, evidence)
    seen = wording.counts(metric.challenger, metric.champion)

    def say(outcome: Outcome, found: str) -> Verdict:
        return Verdict(name, outcome, f"{seen}: {found}", evidence)

    missing = settings.minimum_requests - metric.challenger.requests
    if missing > 0:
        return say(Outcome.INCONCLUSIVE, f"{missing} more requests are needed at least")
    if relative >= needed:
        ratio = settings.wrong_ratio if name == WRONG else settings.promote_ratio
        return say(Outcome.PASSED, f"below {ratio:g} times the champion's rate")
    if absolute is not None and absolute >= needed and harm < SUSPICION:
        return say(Outcome.PASSED, f"below {limit:.3%}, which is good enough in itself")
    nearest = max(relative, -np.inf if absolute is None else absolute)
    return say(Outcome.INCONCLUSIVE, f"not shown to be fine yet, {wording.e(nearest, needed)}")


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
