"""What all families of networks have in common: all but their layers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, ClassVar

from pipelines.errors import ModelError
from pipelines.models.base import Fitted, Lesson, Params, Training
from pipelines.models.neural.layers import Stack
from pipelines.models.neural.network import Network
from pipelines.models.neural.optimizers import options_of_all
from pipelines.models.neural.plan import Plan, plan, searched
from pipelines.models.neural.training import RUNGS, distilled, trained
from pipelines.models.space import Knob, Value
from pipelines.schema import Schema, Task


class NeuralFamily(ABC):
    """A `Family` that is trained by Keras.

    Attributes:
        name: as in the registry.
        epochs: how many there are by default.
        own: the knobs that shape its layers.
    """

    name: ClassVar[str]
    epochs: ClassVar[int]
    own: ClassVar[Mapping[str, Knob]]
    tasks: frozenset[Task] = frozenset({"binary", "multiclass", "regression"})
    rungs = RUNGS
    can_continue = True

    @abstractmethod
    def lay(self, stack: Stack, shape: Mapping[str, Value], schema: Schema) -> None:
        """Lay what is between the inputs and the last layer.

        Args:
            stack: receives the layers.
            shape: a value for every knob of `own`.
            schema: of the rows.

        Raises:
            ModelError: the layers do not suit such rows.
        """

    def space(self) -> dict[str, Knob]:
        return searched(self.epochs, self.own)

    def check(self, params: Params) -> None:
        self._plan(params)

    def fit(self, training: Training) -> Iterator[Fitted]:
        layers = partial(self.layers, schema=training.schema)
        yield from trained(self.name, self._plan(training.params), layers, training)

    def student(self, params: Params, instead: Params) -> Params:
        kept = dict(params)
        if "optimizer" in instead:
            # Rate and options suit the optimizer that they were chosen for, and no other.
            for name in ("learning_rate", *options_of_all()):
                kept.pop(name, None)
        try:
            self.check({**kept, **instead})
        except ModelError as error:
            # Of the teacher nothing is wrong: it is trained already, or was checked before.
            where = error.where.replace("train.fixed", "train.student")
            raise ModelError(error.problem, where=where, next_step=error.next_step) from error
        return {**kept, **instead}

    def distil(self, training: Training, teacher: Fitted, lesson: Lesson) -> Iterator[Fitted]:
        assert isinstance(teacher, Network), "a teacher is of the student's family"
        layers = partial(self.layers, schema=training.schema)
        chosen = self._plan(training.params)
        yield from distilled(self.name, chosen, layers, training, teacher, lesson)

    def layers(self, shape: Mapping[str, Value], seed: int, schema: Schema) -> list[Any]:
        """The hidden layers of a network; see `lay`."""
        stack = Stack(seed)
        self.lay(stack, shape, schema)
        return stack.layers

    def _plan(self, params: Params) -> Plan:
        return plan(self.name, self.space(), self.own, params)
