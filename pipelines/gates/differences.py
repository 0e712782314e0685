"""Challenger minus champion on the same rows, by the method that fits how the rows depend."""

from __future__ import annotations

from typing import Any

from pipelines.gates.evidence import Paired, plain
from pipelines.settings import GateSettings
from pipelines.statistics import block_measures, bootstrap
from pipelines.statistics import quality as measures
from pipelines.statistics.block_measures import Measure
from pipelines.statistics.estimate import Estimate
from pipelines.statistics.losses import brier_rows

CALIBRATION_BINS = 10


def quality(paired: Paired, settings: GateSettings) -> Estimate:
    """Difference of the task's measure; positive when the challenger is better."""
    return measures.difference(
        paired.task,
        paired.labels,
        (paired.challenger, paired.champion),
        paired.blocks,
        settings.bootstrap_rounds,
        settings.seed,
    )


def brier(paired: Paired, settings: GateSettings) -> Estimate:
    """Difference of Brier scores; negative when the challenger is better."""
    rows = brier_rows(paired.labels, paired.challenger) - brier_rows(paired.labels, paired.champion)
    return measures.of_mean(rows, paired.blocks, settings.bootstrap_rounds, settings.seed)


def calibration_error(paired: Paired, settings: GateSettings) -> Estimate:
    """Difference of calibration errors; negative when the challenger is better."""
    return _calibration(paired, settings, against_champion=True)


def own_calibration_error(paired: Paired, settings: GateSettings) -> Estimate:
    """The challenger's calibration error by itself."""
    return _calibration(paired, settings, against_champion=False)


def _calibration(paired: Paired, settings: GateSettings, *, against_champion: bool) -> Estimate:
    blocks = paired.blocks.merged(block_measures.TABLE_BLOCKS, settings.seed)

    def of(scores: Any) -> Measure:
        return block_measures.calibration_error(paired.labels, scores, blocks, CALIBRATION_BINS)

    measure = of(paired.challenger)
    if against_champion:
        measure = block_measures.difference(measure, of(paired.champion))
    return bootstrap.estimate(measure, blocks, settings.bootstrap_rounds, settings.seed)


def described(estimate: Estimate, alpha: float) -> dict[str, float | int | None]:
    """The estimate as evidence, with its one-sided bounds at `alpha`."""
    return {
        "value": plain(estimate.value),
        "standard_error": plain(estimate.standard_error),
        "lower": plain(estimate.lower(alpha)),
        "upper": plain(estimate.upper(alpha)),
        "alpha": plain(alpha),
        "degrees": plain(estimate.degrees),
        "units": int(estimate.units),
    }
