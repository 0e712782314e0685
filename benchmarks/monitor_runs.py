"""Years of a watched model, without its files: windows, labels and the policy, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from pipelines.monitoring import drift
from pipelines.monitoring.comparing import NumberReference
from pipelines.monitoring.evidence import LabelEvidence, Look, Past
from pipelines.monitoring.labelled import OfWindow
from pipelines.monitoring.policy import judge
from pipelines.monitoring.quality import Estimated, Realised
from pipelines.settings import MonitorSettings, TriggerSettings
from pipelines.statistics.arrays import Floats
from pipelines.statistics.estimate import Estimate
from pipelines.statistics.losses import brier_rows
from pipelines.statistics.sequential.change import Detector

MONITOR, TRIGGER = MonitorSettings(), TriggerSettings()
FEATURES = 20
REFERENCE_ROWS = 5000
HOLDOUT_ROWS = 5000
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class World:
    """What is done to a model.

    Attributes:
        rows: answers, and labels, in a window.
        days: windows.
        shift: how many deviations the first feature moves by.
        unsure: the share of the labels that are drawn by lot instead.
    """

    rows: int
    days: int
    shift: float = 0.0
    unsure: float = 0.0


def asked_on(world: World, seed: int) -> list[tuple[int, str]]:
    """The windows that ask for a retrain, from 1, and because of what."""
    draw = np.random.default_rng(seed)
    names = [f"feature {number}" for number in range(FEATURES)]
    made = {name: NumberReference.of(_measured(draw, REFERENCE_ROWS)) for name in names}
    detector = Detector.start(_limit(draw))
    history: list[Past] = []
    found = []
    for day in range(1, world.days + 1):
        seen = {name: made[name].see(_measured(draw, world.rows)) for name in names[1:]}
        seen[names[0]] = made[names[0]].see(_measured(draw, world.rows, world.shift))
        detector = detector.after(_losses(draw, world.rows, world.unsure))
        look = Look(
            world.rows,
            shifts=tuple(drift.shifts(made, seen, frozenset(names), MONITOR)),
            estimated=Estimated(0.7, 0.7),
            labels=_labels(world, detector),
        )
        until = _BEGIN + timedelta(days=day)
        judged = judge(look, history[-50:], until, MONITOR, TRIGGER)
        assert judged.past is not None
        history.append(judged.past)
        for cause in judged.causes:
            found.append((day, cause))
            if cause == "labelled quality":
                detector = Detector.start(detector.limit)
    return found


def labels_asked_on(world: World, seed: int) -> list[int]:
    """The windows in which labels alone ask, for as many years as one likes."""
    draw = np.random.default_rng(seed)
    detector = Detector.start(_limit(draw))
    found = []
    for day in range(1, world.days + 1):
        detector = detector.after(_losses(draw, world.rows, world.unsure))
        if detector.has_alarmed(MONITOR.label_false_alarm):
            found.append(day)
            detector = Detector.start(detector.limit)
    return found


def _measured(draw: np.random.Generator, rows: int, shift: float = 0.0) -> Floats:
    """A feature as a sensor says it, to a hundredth of its deviation.

    A year is compared many times as fast as with values that are all different.
    """
    return (shift + draw.normal(size=rows)).round(2)


def _limit(draw: np.random.Generator) -> float:
    """The limit of a version whose holdout is as good, or bad, a sample as any."""
    lost = _losses(draw, HOLDOUT_ROWS, 0.0)
    error = float(lost.std(ddof=1)) / np.sqrt(lost.size)
    bound = Estimate(float(lost.mean()), error, lost.size - 1, lost.size).upper(0.025)
    return bound * (1 + MONITOR.loss_margin)


def _losses(draw: np.random.Generator, rows: int, unsure: float) -> Floats:
    """Squared errors of probabilities that mean what they say, but for some rows."""
    said = draw.beta(1, 3, size=rows)
    meant = np.where(draw.random(rows) < unsure, 0.5, said)
    return brier_rows((draw.random(rows) < meant).astype(np.int64), said)


def _labels(world: World, detector: Detector) -> LabelEvidence:
    rows = world.rows
    return LabelEvidence(
        answers=rows,
        labels=rows,
        unknown=0,
        mature=rows,
        mature_labels=rows,
        coverage=1.0,
        delay_seconds=3600.0,
        realised=Realised(rows, 2, None, 0.7, 0.15),
        has_alarmed=detector.has_alarmed(MONITOR.label_false_alarm),
        loss_limit=detector.limit,
        log_evidence=(detector.peak, 0.0),
        is_ranking=True,
        of_window=OfWindow(rows, rows, rows),
    )
