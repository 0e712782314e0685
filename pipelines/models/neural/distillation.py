"""What a small network is told by a large one (Hinton, Vinyals and Dean 2015).

A label says which class is right. A teacher says also what else the row looks like, and how much:
its probabilities, softened by a temperature so that the small ones count. The loss of a student is

    (1 - s) * loss(label) + s * T^2 * KL(teacher at T, student at T)

with the teacher's share s and the temperature T. The factor T^2 keeps the gradient of the second
part as large as that of the first, whatever T is; the divergence has the gradient of the paper's
cross-entropy, and is 0 where the student says what the teacher says, so that a curve can be read.
A value has no temperature: the student of a regression is held to the teacher's value by the loss
that holds it to the label.

Hinton, Vinyals, Dean: Distilling the Knowledge in a Neural Network. arXiv:1503.02531, 2015.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.errors import ModelError
from pipelines.models.base import Labels, Lesson, Training
from pipelines.models.neural.heads import Head
from pipelines.models.neural.network import Network
from pipelines.models.neural.runtime import keras, tensorflow


@dataclass(frozen=True, eq=False)
class Guidance:
    """The goal of a student: labels, and what the teacher says of the same rows.

    Attributes:
        head: of the student.
        lesson: how both are weighed.
        told: by the teacher, float32: softened probabilities, shape (rows, classes), or values
            on the scale that the student learns, shape (rows, 1).
    """

    head: Head
    lesson: Lesson
    told: npt.NDArray[np.float32]

    @classmethod
    def of(cls, teacher: Network, head: Head, training: Training, lesson: Lesson) -> Guidance:
        """What `teacher` says of the rows of a training."""
        outputs = teacher.outputs(training.frame).astype(np.float64)
        if head.task == "regression":
            values = outputs[:, 0] * teacher.head.spread + teacher.head.center
            return cls(head, lesson, head.targets(values)[:, None])
        return cls(head, lesson, _softened(outputs, lesson.temperature))

    def targets(self, labels: Labels) -> npt.NDArray[np.float32]:
        """A row of the loss's targets: the label, then what the teacher says of it.

        Class numbers are exact in float32 up to 16 million.
        """
        own = self.head.targets(labels).astype(np.float32)
        return np.concatenate([own[:, None], self.told], axis=1)

    def losses(self, targets: Any, outputs: Any) -> Any:
        """The loss of each row, shape (rows,)."""
        share = self.lesson.teacher_share
        own, told = targets[:, 0], targets[:, 1:]
        if self.head.task != "regression":
            own = tensorflow().cast(own, "int64")
        taught = self._taught(told, outputs)
        return (1.0 - share) * self.head.losses(own, outputs) + share * taught

    def _taught(self, told: Any, outputs: Any) -> Any:
        if self.head.task == "regression":
            return keras().losses.huber(told, outputs)
        tf, temperature = tensorflow(), self.lesson.temperature
        said = tf.nn.log_softmax(outputs / temperature)
        apart = tf.reduce_sum(tf.math.xlogy(told, told) - told * said, axis=1)
        return temperature**2 * apart

    def identity(self) -> dict[str, Any]:
        """What a training depends on beside its rows, JSON-ready."""
        told = hashlib.sha256(np.ascontiguousarray(self.told).data).hexdigest()
        return {**asdict(self.lesson), "told": told}


def require_smaller(student: Network, teacher: Network) -> None:
    """Refuse a student that costs as much as its teacher, before it is trained.

    Raises:
        ModelError: it has as many weights, or more.
    """
    small, large = (sum(each.size for each in one.weights) for one in (student, teacher))
    if small >= large:
        raise ModelError(
            f"the student has {small:,} weights and its teacher {large:,}: nothing is compressed",
            where="params.yaml: train.student",
            next_step=f"make it smaller; its layers are made of {', '.join(student.shape)}",
        )


def _softened(outputs: npt.NDArray[np.float64], temperature: float) -> npt.NDArray[np.float32]:
    """The softmax of `outputs / temperature`, row by row."""
    scaled = outputs / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    shares: npt.NDArray[np.float32] = (powers / powers.sum(axis=1, keepdims=True)).astype(
        np.float32
    )
    return shares
