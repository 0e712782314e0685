"""A small convolutional network, in the manner of LeNet-5 (LeCun et al. 1998)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pipelines.models.neural.family import NeuralFamily
from pipelines.models.neural.images import shape_of
from pipelines.models.neural.layers import Stack
from pipelines.models.space import Knob, Real, Value, Whole
from pipelines.schema import Schema


class KerasCnn(NeuralFamily):
    """Two convolutions with pooling, and one dense layer with dropout."""

    name = "keras_cnn"
    epochs = 10
    own: ClassVar[dict[str, Knob]] = {
        "filters": Whole(8, 64, default=16, is_log=True),
        "units": Whole(16, 512, default=128, is_log=True),
        "dropout": Real(0.0, 0.6, default=0.3),
    }

    def lay(self, stack: Stack, shape: Mapping[str, Value], schema: Schema) -> None:
        filters = int(shape["filters"])
        stack.reshape(shape_of(schema, self.name))
        stack.convolve(filters, size=3)
        stack.pool(size=2, step=2)
        stack.convolve(2 * filters, size=3)
        stack.pool(size=2, step=2)
        stack.flatten()
        stack.dense(int(shape["units"]))
        stack.drop(float(shape["dropout"]))
