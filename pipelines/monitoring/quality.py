"""How good the live answers were, by the labels that came, and how good they promise to be."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from pipelines.monitoring import answers
from pipelines.monitoring.baseline import Baseline
from pipelines.monitoring.comparing import NumberReference, NumberSeen
from pipelines.monitoring.labelled import Labelled
from pipelines.predictions.labels import LABEL
from pipelines.predictions.layout import TIME
from pipelines.settings import MonitorSettings
from pipelines.statistics import quality
from pipelines.statistics.arrays import Array, Floats
from pipelines.statistics.blocks import Blocks
from pipelines.statistics.drift.numbers import Placed, Steps
from pipelines.statistics.estimate import Interval
from pipelines.statistics.expected import expected_accuracy, expected_auc
from pipelines.statistics.sequential.change import Detector

_CONFIDENCE = 0.95
_ROUNDS = 300
_SEED = 7
# The largest limit that leaves room for a loss to be above it.
_HIGHEST_LIMIT = 0.95


@dataclass(frozen=True)
class Watch:
    """How far the labelled loss was followed, to go on from at the next look.

    Attributes:
        detector: of a mean loss above its limit.
        until: answers before that were followed; None before the first.
    """

    detector: Detector
    until: datetime | None

    def to_json(self) -> dict[str, Any]:
        return {
            "limit": self.detector.limit,
            "logs": list(self.detector.logs),
            "count": self.detector.count,
            "peak": self.detector.peak,
            "until": self.until.isoformat() if self.until else None,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Watch:
        """What `to_json` gave."""
        detector = Detector(value["limit"], tuple(value["logs"]), value["count"], value["peak"])
        until = value["until"]
        return cls(detector, datetime.fromisoformat(until) if until else None)

    def rearmed(self) -> Watch:
        """After an alarm was answered: what comes next has to be shown anew."""
        return replace(self, detector=Detector.start(self.detector.limit))


@dataclass(frozen=True)
class Realised:
    """What the labels of the newest mature answers say.

    Attributes:
        labels: how many were measured.
        distinct: how many different labels are among them.
        quality: the measure of the task with a 95 % interval; None where it cannot be measured.
        at_release: the same measure on the version's holdout.
        mean_loss: of those labels; NaN without any.
    """

    labels: int
    distinct: int
    quality: Interval | None
    at_release: float
    mean_loss: float


@dataclass(frozen=True)
class Estimated:
    """What the version's own probabilities promise for a window, and what they promised before."""

    value: float
    at_release: float

    @property
    def drop(self) -> float:
        """How far it fell; negative when it rose."""
        return self.at_release - self.value


def loss_limit(baseline: Baseline, settings: MonitorSettings) -> float:
    """The mean loss that the live version may have: what the holdout leaves open, and a margin."""
    bound = baseline.loss.upper((1 - _CONFIDENCE) / 2)
    return float(np.clip(bound * (1 + settings.loss_margin), 1e-6, _HIGHEST_LIMIT))


def begin_watch(baseline: Baseline, settings: MonitorSettings) -> Watch:
    """Before the first label of a version."""
    return Watch(Detector.start(loss_limit(baseline, settings)), None)


def follow(watch: Watch, labelled: Labelled, baseline: Baseline) -> Watch:
    """Show the detector every mature labelled answer that it has not seen, in their order.

    A label that comes after its answer's time was passed is not followed any more: the detector
    would see it twice if everything were read again.
    """
    detector = watch.detector
    for truth, scores, _ in _portions(labelled, baseline, watch.until):
        schema = baseline.schema
        lost = answers.losses(schema, truth, scores, baseline.error_scale)
        detector = detector.after(lost)
    return Watch(detector, max(filter(None, (watch.until, labelled.mature_until))))


def realised(labelled: Labelled, baseline: Baseline, most: int) -> Realised:
    """Measure the newest mature labelled answers, at most so many."""
    kept: deque[tuple[Array, Floats, Array]] = deque()
    rows = 0
    for portion in _portions(labelled, baseline, None):
        kept.append(portion)
        rows += len(portion[0])
        while rows - len(kept[0][0]) >= most:
            rows -= len(kept.popleft()[0])
    at_release = baseline.quality.value
    if not rows:
        return Realised(0, 0, None, at_release, float("nan"))
    truth, scores, days = (np.concatenate(part)[-most:] for part in zip(*kept, strict=True))
    task = baseline.schema.task
    distinct = int(np.unique(truth).size)
    lost = answers.losses(baseline.schema, truth, scores, baseline.error_scale)
    measured = None
    if len(truth) > 2 and (task != "binary" or distinct > 1):
        blocks = Blocks.of(days)
        # A single day is no block to resample; its rows stand for themselves.
        blocks = blocks if blocks.count > 2 else Blocks.of(np.arange(len(truth)))
        found = quality.estimate(task, truth, scores, blocks, _ROUNDS, _SEED)
        measured = found.interval(_CONFIDENCE)
    return Realised(len(truth), distinct, measured, at_release, float(lost.mean()))


def estimated(seen: NumberSeen, baseline: Baseline) -> Estimated | None:
    """What the answers of a window promise; None for a regression, whose values promise nothing."""
    if baseline.calibration is None or not seen.placed.size:
        return None
    reference: NumberReference = baseline.score_reference
    return Estimated(
        _promised(reference.steps, seen.placed, baseline),
        _promised(reference.steps, reference.steps.own, baseline),
    )


def _promised(steps: Steps, placed: Placed, baseline: Baseline) -> float:
    assert baseline.calibration is not None
    edges = np.r_[0.0, steps.points, 1.0]
    scores = np.empty(2 * steps.points.size + 1)
    # A value between two points is taken for their middle, which is at most half a step off.
    scores[0::2], scores[1::2] = (edges[:-1] + edges[1:]) / 2, steps.points
    weights = np.empty(scores.size, dtype=np.int64)
    weights[0::2], weights[1::2] = placed.between, placed.at
    meant = baseline.calibration(scores)
    if baseline.schema.task == "binary":
        return expected_auc(meant, weights)
    return expected_accuracy(meant, weights)


def _portions(
    labelled: Labelled, baseline: Baseline, since: datetime | None
) -> list[tuple[Array, Floats, Array]]:
    """Truths, scores and days of the mature labelled answers; unusable ones are left out."""
    schema, found = baseline.schema, []
    for batch in labelled.rows(pq.read_schema(labelled.path), since):
        truth = answers.truths(batch.column(LABEL), schema)
        scores = answers.scores_of(batch, schema)
        finite = np.isfinite(scores if scores.ndim == 1 else scores.sum(axis=1))
        usable = finite & ~np.isnan(truth)
        if usable.any():
            days = batch.column(TIME).cast("int64").to_numpy() // 86_400_000_000
            kind = np.float64 if schema.task == "regression" else np.int64
            found.append((truth[usable].astype(kind), scores[usable], days[usable]))
    return found


def evidence_of(watch: Watch, settings: MonitorSettings) -> tuple[float, float]:
    """The logarithm of the detector at its peak, and what it has to reach to alarm."""
    return watch.detector.peak, math.log(settings.label_false_alarm)
