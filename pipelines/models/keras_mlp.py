"""The classic network of dense layers, 784-512-10 on MNIST, by TensorFlow; for tables, too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.models.base import Fitted, Params, Training
from pipelines.models.neural.layers import Stack
from pipelines.models.neural.plan import Plan, plan, searched
from pipelines.models.neural.training import RUNGS, trained
from pipelines.models.space import Knob, Real, Value, Whole
from pipelines.schema import Task

_NAME = "keras_mlp"


class KerasMlp:
    """Dense layers with ReLU and dropout."""

    tasks: frozenset[Task] = frozenset({"binary", "multiclass", "regression"})
    rungs = RUNGS
    can_continue = True

    def space(self) -> dict[str, Knob]:
        return searched(epochs=20, own=self._own())

    def check(self, params: Params) -> None:
        self._plan(params)

    def fit(self, training: Training) -> Iterator[Fitted]:
        chosen = self._plan(training.params)
        yield from trained(_NAME, chosen, _layers, training)

    def _plan(self, params: Params) -> Plan:
        return plan(_NAME, self.space(), self._own(), params)

    @staticmethod
    def _own() -> dict[str, Knob]:
        return {
            "layers": Whole(1, 3, default=1),
            "units": Whole(16, 1024, default=512, is_log=True),
            "dropout": Real(0.0, 0.6, default=0.3),
        }


def _layers(shape: Mapping[str, Value], seed: int) -> list[Any]:
    stack = Stack(seed)
    for _ in range(int(shape["layers"])):
        stack.dense(int(shape["units"]))
        stack.drop(float(shape["dropout"]))
    return stack.layers
