"""What a gate looks at: two candidates, one holdout, and what is known of the training run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from pipelines.errors import DataError
from pipelines.schema import Task
from pipelines.statistics.arrays import Array, Floats, Mask
from pipelines.statistics.blocks import Blocks
from pipelines.statistics.chance import Chance


@dataclass(frozen=True, eq=False)
class Candidate:
    """A model as the gate sees it: its answers on the holdout and where it comes from.

    Attributes:
        name: `flights@v3`, or `baseline`.
        digest: SHA-256 of the model file, in hexadecimal.
        scores: the answer to each row of the holdout: the probability of the event, shape
            (rows,); of each class, shape (rows, classes); or the value, shape (rows,).
        trained_blocks: days or groups that training and tuning saw; None when not known.
        trained_row_hashes: of the rows that training and tuning saw; None when not known.
        trained_until: time of the newest of those rows, in the unit of `Holdout.time`.
        latency_ms: p99 of one row, in milliseconds; None when not measured.
        megabytes: size of the model file; None when not measured.
    """

    name: str
    digest: str
    scores: Floats
    trained_blocks: Array | None = None
    trained_row_hashes: Array | None = None
    trained_until: Any = None
    latency_ms: float | None = None
    megabytes: float | None = None


@dataclass(frozen=True, eq=False)
class Holdout:
    """The rows that neither candidate may have seen, all columns of shape (rows,).

    Attributes:
        labels: 0 or 1, class numbers, or values, by the task.
        blocks: the day or group of each row; a different value on every row says that rows are
            independent.
        row_hashes: identity of each row, made as the candidates' `trained_row_hashes` are.
        data_hash: of the holdout as a whole, for the record.
        time: when each row happened, or None for data without time.
        slices: columns whose values are judged apart, fairness columns among them.
        features: what the model is given, by column: numbers with NaN for missing, or strings
            with "" for missing.
        times_asked: how many challengers this very holdout has judged before.
        task: what is answered.
    """

    labels: Floats
    blocks: Array
    row_hashes: Array
    data_hash: str
    time: Array | None = None
    slices: Mapping[str, Array] = field(default_factory=dict)
    features: Mapping[str, Array] = field(default_factory=dict)
    times_asked: int = 0
    task: Task = "binary"

    def __post_init__(self) -> None:
        columns = {"blocks": self.blocks, "row_hashes": self.row_hashes}
        columns |= {} if self.time is None else {"time": self.time}
        columns |= {f"slices.{name}": values for name, values in self.slices.items()}
        columns |= {f"features.{name}": values for name, values in self.features.items()}
        for name, values in columns.items():
            if values.shape != self.labels.shape:
                raise DataError(
                    f"has shape {values.shape}, the labels have {self.labels.shape}",
                    where=f"holdout: {name}",
                    next_step="take every column from the same rows of the holdout",
                )
        if self.task == "binary" and not np.isin(self.labels, (0, 1)).all():
            raise DataError(
                "holds other values than 0 and 1",
                where="holdout: labels",
                next_step="drop the rows without a label and encode the event as 1",
            )


CaseKind = Literal["direction", "boundary", "missing"]


@dataclass(frozen=True)
class Case:
    """One expectation of behaviour, measured elsewhere (see `pipelines.gates.behaviour`).

    Attributes:
        kind: what is expected.
        subject: the column or rows that it is about.
        violation: the worst departure over all rows, in the unit of the answer; infinite for an
            answer that is not a number.
        tolerance: the largest departure that is allowed.
        rows: how many rows were tried.
    """

    kind: CaseKind
    subject: str
    violation: float
    tolerance: float
    rows: int


@dataclass(frozen=True)
class Leg:
    """Two neighbouring stages of the path that a model takes, asked the same golden rows.

    Attributes:
        source: the earlier stage, such as `training`.
        target: the later stage, such as `onnx` or `bento`.
        difference: the largest between them; see `pipelines.inference.answers.distance`.
        tolerance: the largest that is allowed.
        rows: how many golden rows were asked.
    """

    source: str
    target: str
    difference: float
    tolerance: float
    rows: int


@dataclass(frozen=True)
class Run:
    """What is known of the run that made the challenger, beside its answers.

    Attributes:
        is_forced: whether something asked for a retrain (measured decay, a schedule, a person).
            Then "not worse" is enough. A retrain that nothing forced must be shown to be better.
        control: what the same training reached on permuted labels, or None when it was not run.
            The labels must be permuted once, over the whole table, before it is split, and the
            answers held to those permuted labels. Held to the true ones it would say how a
            random direction happens to lie to the real one, which is far off by luck alone.
        cases: the behaviour of the challenger.
        legs: the parity of the challenger along its path.
    """

    is_forced: bool
    control: Chance | None = None
    cases: tuple[Case, ...] = ()
    legs: tuple[Leg, ...] = ()


@dataclass(frozen=True, eq=False)
class Paired:
    """Both candidates' answers on the same rows, with the blocks that the rows come in."""

    task: Task
    labels: Floats
    challenger: Floats
    champion: Floats
    blocks: Blocks

    @classmethod
    def of(cls, challenger: Candidate, champion: Candidate, holdout: Holdout) -> Paired:
        blocks = Blocks.of(holdout.blocks)
        return cls(holdout.task, holdout.labels, challenger.scores, champion.scores, blocks)

    def where(self, mask: Mask) -> Paired:
        """The rows that are kept."""
        return Paired(
            self.task,
            self.labels[mask],
            self.challenger[mask],
            self.champion[mask],
            self.blocks.where(mask),
        )

    @property
    def support(self) -> dict[str, int]:
        """How many rows there are of each kind that the measure needs; see `supporting`."""
        return {kind: int(mask.sum()) for kind, mask in supporting(self.task, self.labels).items()}


def supporting(task: Task, labels: Floats) -> dict[str, Mask]:
    """The rows that a measure needs enough of: both classes for an AUC, any rows for a mean."""
    if task == "binary":
        return {"positive": labels == 1, "negative": labels == 0}
    return {"labelled": np.ones(labels.size, dtype=bool)}


def plain(value: float | None) -> float | None:
    """A number as JSON knows it: no numpy scalar, and None for what is not finite."""
    return float(value) if value is not None and math.isfinite(value) else None
