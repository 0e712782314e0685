"""A small convolutional network, in the manner of LeNet-5 (LeCun et al. 1998)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from pipelines.models.base import Fitted, Params, Training
from pipelines.models.neural.images import Image, shape_of
from pipelines.models.neural.layers import Stack
from pipelines.models.neural.plan import Plan, plan, searched
from pipelines.models.neural.training import RUNGS, trained
from pipelines.models.space import Knob, Real, Value, Whole
from pipelines.schema import Task

_NAME = "keras_cnn"


class KerasCnn:
    """Two convolutions with pooling, and one dense layer with dropout."""

    tasks: frozenset[Task] = frozenset({"binary", "multiclass", "regression"})
    rungs = RUNGS
    can_continue = True

    def space(self) -> dict[str, Knob]:
        return searched(epochs=10, own=self._own())

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
            "filters": Whole(8, 64, default=16, is_log=True),
            "units": Whole(16, 512, default=128, is_log=True),
            "dropout": Real(0.0, 0.6, default=0.3),
        }


def _layers(image: Image, shape: Mapping[str, Value], seed: int) -> list[Any]:
    filters, stack = int(shape["filters"]), Stack(seed)
    stack.reshape(image)
    stack.convolve(filters, size=3)
    stack.pool(size=2, step=2)
    stack.convolve(2 * filters, size=3)
    stack.pool(size=2, step=2)
    stack.flatten()
    stack.dense(int(shape["units"]))
    stack.drop(float(shape["dropout"]))
    return stack.layers
