"""The evidence so far, in the form that goes on with the next look."""

from __future__ import annotations

import numpy as np
from msgspec import Struct, structs
from numpy.typing import ArrayLike

from pipelines.errors import DataError
from pipelines.rollout.evidence import WRONG, Counts, Evidence, Exposure, ShadowPairs
from pipelines.rollout.plan import Plan
from pipelines.settings import RolloutSettings
from pipelines.statistics.arrays import Floats
from pipelines.statistics.sequential.rate_ratio import RateRatio

Logs = tuple[float, ...]


class MetricTally(Struct, frozen=True, forbid_unknown_fields=True):
    """One metric.

    Attributes:
        harm: shape (stages, thetas); row k is the log likelihood ratios since stage k began.
        relative: shape (thetas,), those of non-inferiority since this stage began.
        challenger, champion: counts since this stage began, at its weight.
        all_challenger, all_champion: counts since the rollout began, at any weight.
    """

    harm: tuple[Logs, ...]
    relative: Logs
    challenger: Counts = Counts()
    champion: Counts = Counts()
    all_challenger: Counts = Counts()
    all_champion: Counts = Counts()


class Tally(Struct, frozen=True, forbid_unknown_fields=True):
    """All metrics, and all pairs: how far two models are apart does not depend on the load."""

    metrics: dict[str, MetricTally]
    pairs: ShadowPairs = ShadowPairs()


def harm_test(settings: RolloutSettings) -> RateRatio:
    """The test whose crossing rolls back."""
    return RateRatio.above(settings.harm_ratio)


def relative_test(metric: str, settings: RolloutSettings) -> RateRatio:
    """The test whose crossing lets a step pass."""
    return RateRatio.below(settings.wrong_ratio if metric == WRONG else settings.promote_ratio)


def metrics_of(settings: RolloutSettings) -> tuple[str, ...]:
    """All metrics that may roll back; labelled answers are watched even if none must come."""
    return (*settings.metrics, WRONG)


def begin(plan: Plan) -> Tally:
    """Nothing seen yet."""
    harm = _plain(np.tile(harm_test(plan.settings).start(), (len(plan.stages), 1)))
    metrics = {
        metric: MetricTally(harm, tuple(relative_test(metric, plan.settings).start().tolist()))
        for metric in metrics_of(plan.settings)
    }
    return Tally(metrics)


def add(tally: Tally, evidence: Evidence, plan: Plan, stage: int) -> Tally:
    """Count one look.

    Every event counts against harm, whatever the weight was. For passing the stage count only those
    at its weight: what was seen before says nothing about this much load.

    Raises:
        DataError: a metric that this rollout does not count.
    """
    metrics = dict(tally.metrics)
    for exposure in evidence.exposures:
        if exposure.metric not in metrics:
            raise DataError(
                f"unknown metric {exposure.metric!r}; this rollout counts {', '.join(metrics)}",
                where=f"evidence of the rollout {plan.id}",
                next_step="count the metrics that the rollout began with",
            )
        metrics[exposure.metric] = _add(metrics[exposure.metric], exposure, plan, stage)
    return Tally(metrics, tally.pairs + evidence.pairs)


def next_stage(tally: Tally) -> Tally:
    """Forget what let the last stage pass, and keep what speaks of harm."""
    return Tally(
        {
            name: structs.replace(
                metric,
                relative=(0.0,) * len(metric.relative),
                challenger=Counts(),
                champion=Counts(),
            )
            for name, metric in tally.metrics.items()
        },
        tally.pairs,
    )


def _add(metric: MetricTally, exposure: Exposure, plan: Plan, stage: int) -> MetricTally:
    events = (exposure.challenger.bad, exposure.champion.bad, exposure.share)
    harm = started(np.array(metric.harm), harm_test(plan.settings).gain(*events), stage)
    metric = structs.replace(
        metric,
        harm=_plain(harm),
        all_challenger=metric.all_challenger + exposure.challenger,
        all_champion=metric.all_champion + exposure.champion,
    )
    if exposure.weight_percent != plan.stages[stage]:
        return metric
    gain = relative_test(exposure.metric, plan.settings).gain(*events)
    return structs.replace(
        metric,
        relative=tuple((np.array(metric.relative) + gain).tolist()),
        challenger=metric.challenger + exposure.challenger,
        champion=metric.champion + exposure.champion,
    )


def started(logs: Floats, gain: Floats, stage: ArrayLike) -> Floats:
    """Add a gain to the tests that have begun by this stage.

    Args:
        logs: shape (..., stages, thetas).
        gain: shape (..., thetas).
        stage: shape (...), the number of the stage, from 0.
    """
    has_begun = np.arange(logs.shape[-2])[:, None] <= np.asarray(stage)[..., None, None]
    return logs + np.where(has_begun, gain[..., None, :], 0.0)


def _plain(logs: Floats) -> tuple[Logs, ...]:
    return tuple(tuple(row) for row in logs.tolist())
