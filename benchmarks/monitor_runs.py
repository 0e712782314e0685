"""Years of a watched model, without its files: windows, labels and the policy, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from pipelines.monitoring import drift
from pipelines.monitoring.comparing import NumberReference
from pipelines.monitoring.evidence import LabelEvidence, Look, Past
from pipelines.monitoring.labelled import OfWindow
from pipelines.monitoring.policy import judge
from pipelines.monitoring.quality import Estimated, Realised
from pipelines.settings import MonitorSettings, TriggerSettings
from pipelines.statistics.arrays import Floats, Indices
from pipelines.statistics.drift.numbers import ks_p
from pipelines.statistics.estimate import Estimate
from pipelines.statistics.losses import brier_rows
from pipelines.statistics.sequential.change import Detector

MONITOR, TRIGGER = MonitorSettings(), TriggerSettings()
FEATURES = 20
REFERENCE_ROWS = 5000
HOLDOUT_ROWS = 5000
# Of a feature, in hundredths of its deviation: beyond that there is nothing in a lifetime.
RANGE = 1000
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


@dataclass(frozen=True, eq=False)
class Column:
    """A feature as a sensor says it, in hundredths of its deviation.

    Attributes:
        reference: of its version.
        counts: shape (values,), how often the reference has each value from `-RANGE` on.
        values: shape (days, rows), of the windows.
    """

    reference: NumberReference
    counts: Indices
    values: NDArray[np.int16]

    @classmethod
    def drawn(cls, draw: np.random.Generator, world: World, shift: float) -> Column:
        known = _hundredths(draw.normal(size=REFERENCE_ROWS))
        values = _hundredths(shift + draw.normal(size=(world.days, world.rows)))
        counts = np.bincount(known + RANGE, minlength=2 * RANGE + 1)
        return cls(NumberReference.of(known.astype(np.float64)), counts, values)

    def of(self, day: int) -> Floats:
        return self.values[day].astype(np.float64)

    def is_suspicious(self) -> NDArray[np.bool_]:
        """Whether each window's KS distance could be significant, shape (days,).

        The p-values that the monitor corrects only grow by it: a window whose own is above the rate
        cannot have drifted, and need not be compared in full.
        """
        days, rows = self.values.shape
        width = self.counts.size
        places = self.values.astype(np.int64) + RANGE + width * np.arange(days)[:, None]
        counted = np.bincount(places.ravel(), minlength=days * width).reshape(days, width)
        gaps = np.cumsum(counted, axis=1) / rows - np.cumsum(self.counts) / REFERENCE_ROWS
        distances = np.abs(gaps).max(axis=1)
        rate = MONITOR.false_discovery_rate
        return np.array([ks_p(float(d), REFERENCE_ROWS, rows) <= rate for d in distances])


def _hundredths(values: Floats) -> NDArray[np.int16]:
    return np.clip((100 * values).round(), -RANGE, RANGE).astype(np.int16)


def asked_on(world: World, seed: int) -> list[tuple[int, str]]:
    """The windows that ask for a retrain, from 1, and because of what."""
    draw = np.random.default_rng(seed)
    names = [f"feature {number}" for number in range(FEATURES)]
    made = {name: Column.drawn(draw, world, world.shift * (name == names[0])) for name in names}
    suspicious = np.array([column.is_suspicious() for column in made.values()])
    worth = _could_last(suspicious)
    detector = Detector.start(_limit(draw))
    history: list[Past] = []
    found = []
    for day in range(world.days):
        until = _BEGIN + timedelta(days=day + 1)
        detector = detector.after(_losses(draw, world.rows, world.unsure))
        if not worth[day] and not detector.has_alarmed(MONITOR.label_false_alarm):
            history.append(Past(until))
            continue
        look = Look(
            world.rows,
            shifts=tuple(_shifts(made, day)),
            estimated=Estimated(0.7, 0.7),
            labels=_labels(world, detector),
        )
        judged = judge(look, history[-50:], until, MONITOR, TRIGGER)
        assert judged.past is not None
        history.append(judged.past)
        for cause in judged.causes:
            found.append((day + 1, cause))
            if cause == "labelled quality":
                detector = Detector.start(detector.limit)
    return found


def _shifts(made: dict[str, Column], day: int) -> list[drift.Shift]:
    references = {name: column.reference for name, column in made.items()}
    seen = {name: references[name].see(column.of(day)) for name, column in made.items()}
    return drift.shifts(references, seen, frozenset(made), MONITOR)


def _could_last(suspicious: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Windows that could have a say in an alarm of columns, shape (days,).

    A column alarms that is beyond its limit in two of three windows, so one that is suspicious in a
    single one of five is not looked at: a calm year then takes a second.

    Args:
        suspicious: shape (columns, days).
    """
    assert MONITOR.persistence == (2, 3)
    near = np.zeros(suspicious.shape, dtype=np.int64)
    for days in (1, 2):
        near[:, days:] += suspicious[:, :-days]
        near[:, :-days] += suspicious[:, days:]
    worth: NDArray[np.bool_] = (suspicious & (near > 0)).any(axis=0)
    return worth


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
