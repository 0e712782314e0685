"""AlexNet (Krizhevsky, Sutskever and Hinton 2012) for small images such as CIFAR-10's.

Five convolutions and two dense layers of 4096, 21.6 million weights at full width. The pools pad,
because 32 pixels would be used up before the third convolution, and the normalisation of the
paper is left out, as in all later networks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pipelines.models.neural.family import NeuralFamily
from pipelines.models.neural.images import shape_of
from pipelines.models.neural.layers import Stack
from pipelines.models.space import Knob, Real, Value
from pipelines.schema import Schema


class AlexNet(NeuralFamily):
    """The paper's layers; `width` makes all of them narrower by the same factor."""

    name = "alexnet"
    epochs = 20
    own: ClassVar[dict[str, Knob]] = {
        "width": Real(0.125, 1.0, default=1.0, is_log=True),
        "dropout": Real(0.2, 0.6, default=0.5),
    }

    def lay(self, stack: Stack, shape: Mapping[str, Value], schema: Schema) -> None:
        def wide(full: int) -> int:
            return max(1, round(full * float(shape["width"])))

        stack.reshape(shape_of(schema, self.name))
        stack.convolve(wide(96), size=11, step=4)
        stack.pool(size=3, step=2)
        stack.convolve(wide(256), size=5)
        stack.pool(size=3, step=2)
        stack.convolve(wide(384), size=3)
        stack.convolve(wide(384), size=3)
        stack.convolve(wide(256), size=3)
        stack.pool(size=3, step=2)
        stack.flatten()
        for _ in range(2):
            stack.dense(wide(4096))
            stack.drop(float(shape["dropout"]))
