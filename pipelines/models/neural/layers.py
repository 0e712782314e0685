"""Layers as the families write them down: named, and with seeds of their own.

Names without a counter, because a counter goes on with every network of a process; seeds given,
because the global ones belong to whoever else draws from them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pipelines.models.neural.images import Image
from pipelines.models.neural.runtime import keras


class Stack:
    """Hidden layers, one after the other.

    Args:
        seed: of their initial weights and of what they draw in training.
    """

    def __init__(self, seed: int) -> None:
        self._draw = np.random.default_rng(seed)
        self.layers: list[Any] = []

    def reshape(self, shape: Image) -> None:
        """The inputs as images of this height, width and number of channels."""
        self._add("Reshape", "image", target_shape=shape)

    def convolve(self, filters: int, size: int, step: int = 1) -> None:
        """A convolution with ReLU, whose output is as large as its input divided by `step`."""
        self._add(
            "Conv2D",
            "convolution",
            filters=filters,
            kernel_size=size,
            strides=step,
            padding="same",
            activation="relu",
            kernel_initializer=self._he(),
        )

    def pool(self, size: int, step: int) -> None:
        """The largest value of each window."""
        # With "valid" a small image shrinks to nothing.
        self._add("MaxPooling2D", "pool", pool_size=size, strides=step, padding="same")

    def flatten(self) -> None:
        """Every image as one row of numbers."""
        self._add("Flatten", "flat")

    def dense(self, units: int) -> None:
        """A fully connected layer with ReLU."""
        self._add("Dense", "dense", units=units, activation="relu", kernel_initializer=self._he())

    def drop(self, share: float) -> None:
        """Silence a share of the numbers while training (Srivastava et al. 2014)."""
        if share > 0:
            self._add("Dropout", "dropout", rate=share, seed=self._seed())

    def _he(self) -> Any:
        # He et al. 2015: the spread that keeps signals alive through layers of ReLU.
        return keras().initializers.HeNormal(self._seed())

    def _seed(self) -> int:
        return int(self._draw.integers(2**31))

    def _add(self, kind: str, name: str, **settings: Any) -> None:
        name = f"{name}_{len(self.layers)}"
        self.layers.append(getattr(keras().layers, kind)(name=name, **settings))
