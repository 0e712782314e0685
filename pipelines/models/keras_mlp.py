"""The classic network of dense layers, 784-512-10 on MNIST, by TensorFlow; for tables, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pipelines.models.neural.family import NeuralFamily
from pipelines.models.neural.layers import Stack
from pipelines.models.space import Knob, Real, Value, Whole
from pipelines.schema import Schema


class KerasMlp(NeuralFamily):
    """Dense layers with ReLU and dropout."""

    name = "keras_mlp"
    epochs = 20
    own: ClassVar[dict[str, Knob]] = {
        "layers": Whole(1, 3, default=1),
        "units": Whole(16, 1024, default=512, is_log=True),
        "dropout": Real(0.0, 0.6, default=0.3),
    }

    def lay(self, stack: Stack, shape: Mapping[str, Value], schema: Schema) -> None:  # noqa: ARG002
        for _ in range(int(shape["layers"])):
            stack.dense(int(shape["units"]))
            stack.drop(float(shape["dropout"]))
