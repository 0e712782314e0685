"""AlexNet (Krizhevsky, Sutskever and Hinton 2012) for small images such as CIFAR-10's.

Five convolutions and two dense layers of 4096, 21.6 million weights at full width. The pools pad,
because 32 pixels would be used up before the third convolution, and the normalisation of the
paper is left out, as in all later networks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from pipelines.models.base import Fitted, Params, Training
from pipelines.models.neural.images import Image, shape_of
from pipelines.models.neural.layers import Stack
from pipelines.models.neural.plan import Plan, plan, searched
from pipelines.models.neural.training import RUNGS, trained
from pipelines.models.space import Knob, Real, Value
from pipelines.schema import Task

_NAME = "alexnet"


class AlexNet:
    """The paper's layers; `width` makes all of them narrower by the same factor."""

    tasks: frozenset[Task] = frozenset({"binary", "multiclass", "regression"})
    rungs = RUNGS
    can_continue = True

    def space(self) -> dict[str, Knob]:
        return searched(epochs=20, own=self._own())

    def check(self, params: Params) -> None:
        self._plan(params)

    def fit(self, training: Training) -> Iterator[Fitted]:
        chosen = self._plan(training.params)
        layers = partial(_layers, shape_of(training.schema, _NAME))
        yield from trained(_NAME, chosen, layers, training)

    def _plan(self, params: Params) -> Plan:
        return plan(_NAME, self.space(), self._own(), params)

    @staticmethod
    def _own() -> dict[str, Knob]:
        return {
            "width": Real(0.125, 1.0, default=1.0, is_log=True),
            "dropout": Real(0.2, 0.6, default=0.5),
        }


def _layers(image: Image, shape: Mapping[str, Value], seed: int) -> list[Any]:
    def wide(full: int) -> int:
        return max(1, round(full * float(shape["width"])))

    stack = Stack(seed)
    stack.reshape(image)
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
    return stack.layers
