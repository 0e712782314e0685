"""The end of a network: what it is asked for a task, and what its last layer means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.models.base import Labels, Scores
from pipelines.models.neural.runtime import keras, tensorflow
from pipelines.schema import LABEL, PROBABILITIES, VALUE, Schema, Task


@dataclass(frozen=True)
class Head:
    """What the numbers of the last layer mean.

    Attributes:
        task: of the model.
        units: of the last layer: one a class (two for a binary task), one for a regression.
        center, spread: of the labels of a regression. The network learns standardised labels,
            so that learning rates do not depend on the unit of the target.
    """

    task: Task
    units: int
    center: float = 0.0
    spread: float = 1.0

    @classmethod
    def fitted(cls, labels: Labels, schema: Schema) -> Head:
        """For the labels of a training."""
        if schema.task != "regression":
            return cls(schema.task, len(schema.classes) or 2)
        return cls(schema.task, 1, float(np.mean(labels)), float(np.std(labels)) or 1.0)

    def targets(self, labels: Labels) -> npt.NDArray[Any]:
        """The labels as the loss takes them, shape (rows,): int64 classes or float32."""
        if self.task == "regression":
            return ((labels - self.center) / self.spread).astype(np.float32)
        return labels.astype(np.int64)

    def losses(self, targets: Any, outputs: Any) -> Any:
        """The loss of each row, shape (rows,).

        Cross-entropy of classes; for values Huber's loss (1964), whose gradient an outlier cannot
        take over.
        """
        if self.task == "regression":
            return keras().losses.huber(targets[:, None], outputs)
        return keras().losses.sparse_categorical_crossentropy(targets, outputs, from_logits=True)

    def answers(self, outputs: Any) -> dict[str, Any]:
        """The outputs of the graph, by name, from those of the last layer."""
        tf = tensorflow()
        if self.task == "regression":
            return {VALUE: outputs * self.spread + self.center}
        return {
            LABEL: tf.argmax(outputs, axis=1, output_type=tf.int64),
            PROBABILITIES: tf.nn.softmax(outputs),
        }

    def scores(self, answers: dict[str, npt.NDArray[Any]]) -> Scores:
        """`Fitted.scores` from the answers."""
        if self.task == "regression":
            return answers[VALUE][:, 0].astype(np.float64)
        probabilities = answers[PROBABILITIES].astype(np.float64)
        return probabilities[:, 1] if self.task == "binary" else probabilities
