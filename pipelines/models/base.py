"""What a model family is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.models.space import Knob
from pipelines.schema import Schema, Task

Params = Mapping[str, float | int | str | bool]
Labels = npt.NDArray[Any]
Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Training:
    """All that one training is given.

    Attributes:
        frame: features as `frames.features` gives them: numbers first, then categories.
        labels: shape (rows,): int64 class numbers, or float64 values for a regression.
        schema: names and roles of the columns, and the task.
        params: hyperparameters; what is not given takes its default.
        seed: of everything random.
        checkpoints: a folder of this very training, kept when its process is killed: a family
            with epochs goes on from what it finds there. None: nothing is kept.
        parent: the folder that the `save` of the model to go on from wrote. None: start anew.
    """

    frame: pd.DataFrame
    labels: Labels
    schema: Schema
    params: Params
    seed: int
    checkpoints: Path | None = None
    parent: Path | None = None


@dataclass(frozen=True)
class Lesson:
    """How a student is taught; see `pipelines/models/neural/distillation.py`.

    Attributes:
        temperature: divides what the teacher's probabilities are made from: above 1 the small
            ones count. No meaning for a regression.
        teacher_share: of the loss, above 0 and at most 1; the rest is that of the labels.
    """

    temperature: float
    teacher_share: float


class Fitted(Protocol):
    """A trained model, in training code."""

    def scores(self, frame: pd.DataFrame) -> Scores:
        """What the model says of every row of `frame` (as `frames.features` gives it).

        Returns:
            float64: the probability of class 1, shape (rows,); of each class, shape
            (rows, classes); or the value, shape (rows,).
        """
        ...

    def to_onnx(self, name: str) -> bytes:
        """The model and its preprocessing as one serialized ONNX graph called `name`.

        Inputs and outputs are those of `pipelines/schema.py`. The same model gives the same
        bytes.
        """
        ...


class Family(Protocol):
    """A way to train; stateless.

    Attributes:
        tasks: what it can be trained for.
        rungs: how often `fit` yields.
        can_continue: whether `fit` can go on from `Training.parent`, and so whether its models
            are `Continuable`.
    """

    tasks: frozenset[Task]
    rungs: int
    can_continue: bool

    def space(self) -> dict[str, Knob]:
        """The hyperparameters that may be searched."""
        ...

    def fit(self, training: Training) -> Iterator[Fitted]:
        """Train with growing budget, and yield at every rung; the last one is the model.

        A search looks at each rung and may stop asking, which is what pruning is. A family
        without rungs yields once.

        Raises:
            ModelError: a hyperparameter that this family does not have, or a loss that is no
                number.
        """
        ...


@runtime_checkable
class Fixable(Protocol):
    """A family with hyperparameters that can be fixed although no search tries them."""

    def check(self, params: Params) -> None:
        """Refuse hyperparameters that `fit` would refuse.

        Raises:
            ModelError: a name or a value that means nothing here.
        """
        ...


@runtime_checkable
class Teachable(Protocol):
    """A family whose large models can teach small ones."""

    def student(self, params: Params, instead: Params) -> Params:
        """The hyperparameters of a student.

        Args:
            params: of the teacher.
            instead: what the student takes in their place.

        Raises:
            ModelError: a name or a value that means nothing here; lists the allowed names.
        """
        ...

    def distil(self, training: Training, teacher: Fitted, lesson: Lesson) -> Iterator[Fitted]:
        """Train a student, as `fit` does; `training.params` are those of `student`.

        Raises:
            ModelError: the student is not smaller than its teacher; and what `fit` raises.
        """
        ...


def last(rungs: Iterator[Fitted]) -> Fitted:
    """Train to the end."""
    fitted: Any = None
    for fitted in rungs:  # noqa: B007
        pass
    assert fitted is not None, "a family yields at least once"
    return fitted


@runtime_checkable
class Continuable(Protocol):
    """A trained model that a later, incremental training can go on from."""

    def save(self, folder: Path) -> None:
        """Write what `Training.parent` of that training will find: arrays and JSON, no pickle."""
        ...


@runtime_checkable
class Charted(Protocol):
    """A trained model that was trained in epochs, and kept its curve."""

    def curve(self) -> list[dict[str, float]]:
        """One row an epoch: `epoch`, `loss` and `validation_loss`, the latter on rows that the
        epochs did not learn from."""
        ...
