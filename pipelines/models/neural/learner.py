"""A network in training: its layers, its optimiser, and one epoch as one compiled function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from pipelines.models.neural.archive import Arrays
from pipelines.models.neural.optimizers import OPTIMIZERS, built
from pipelines.models.neural.plan import Plan
from pipelines.models.neural.runtime import tensorflow
from pipelines.models.neural.schedules import schedule

# Rows of a pass that changes nothing in what is learned, only how much memory it takes.
_PASS_ROWS = 1024


@dataclass(frozen=True, eq=False)
class Rows:
    """What a network learns from: float32 inputs, shape (rows, width), and a target a row."""

    inputs: npt.NDArray[np.float32]
    targets: npt.NDArray[Any]

    def __len__(self) -> int:
        return len(self.targets)

    def taken(self, places: npt.NDArray[Any]) -> Rows:
        """The rows at these places, in this order."""
        return Rows(self.inputs[places], self.targets[places])


class Goal(Protocol):
    """What a network is trained for: a head, or a head with a teacher beside it."""

    def losses(self, targets: Any, outputs: Any) -> Any:
        """The loss of each row, shape (rows,), from those of `Rows.targets` and the outputs."""
        ...


class Learner:
    """Everything that changes while a network is trained, and how it changes.

    Args:
        model: a network of Keras.
        goal: what its outputs are held to.
        plan: how it is trained.
        seed: of the order of the rows.
        known: the rows to learn from.
        held_out: the rows that only measure.
    """

    def __init__(
        self, model: Any, goal: Goal, plan: Plan, seed: int, known: Rows, held_out: Rows
    ) -> None:
        self.model = model
        self._seed = seed
        self._rows = len(known)
        takes_all = OPTIMIZERS[plan.optimizer].takes_all_rows
        batch = self._rows if takes_all else min(plan.batch_size, self._rows)
        steps = -(-self._rows // batch) * plan.epochs
        rate = schedule(plan.schedule, plan.rate, steps, plan.final_rate_share)
        self._optimizer = built(plan.optimizer, rate, plan.options)
        self._optimizer.build(model.trainable_variables)
        if takes_all:
            self._pass = _accumulated(model, goal, self._optimizer, known)
        else:
            self._pass = _by_batch(model, goal, self._optimizer, known, batch)
        self._measure = _measuring(model, goal, held_out)

    def epoch(self, number: int) -> float:
        """See every row once; the mean loss on the way.

        The order depends on the seed and the number alone, so that a training that is resumed
        needs no state of a random generator for it.
        """
        order = np.random.default_rng([self._seed, number]).permutation(self._rows)
        return float(self._pass(tensorflow().constant(order)))

    def validation_loss(self) -> float:
        """The mean loss on the rows held out."""
        return float(self._measure())

    def weights(self) -> tuple[npt.NDArray[Any], ...]:
        """What the layers have learned, as copies."""
        return tuple(np.array(weight) for weight in self.model.get_weights())

    def state(self) -> Arrays:
        """All that the next epoch depends on: weights, random states of layers, optimiser."""
        return {name: np.array(variable.numpy()) for name, variable in self._variables().items()}

    def restore(self, arrays: Arrays) -> None:
        """Take up the state again that `state` gave."""
        for name, variable in self._variables().items():
            variable.assign(arrays[name])

    def _variables(self) -> dict[str, Any]:
        return {
            **{f"model_{place}": each for place, each in enumerate(self.model.variables)},
            **{f"optimizer_{place}": each for place, each in enumerate(self._optimizer.variables)},
        }


def _by_batch(
    model: Any, goal: Goal, optimizer: Any, known: Rows, batch: int
) -> Callable[..., Any]:
    """One step for each batch of the order."""
    tf = tensorflow()
    inputs, targets, rows = tf.constant(known.inputs), tf.constant(known.targets), len(known)

    @tf.function
    def every_batch(order: Any) -> Any:
        total = tf.constant(0.0)
        for start in tf.range(0, rows, batch):
            places = order[start : start + batch]
            with tf.GradientTape() as tape:
                outputs = model(tf.gather(inputs, places), training=True)
                losses = goal.losses(tf.gather(targets, places), outputs)
                loss = tf.reduce_mean(losses)
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply(gradients, model.trainable_variables)
            total += tf.reduce_sum(losses)
        return total / rows

    return every_batch


def _accumulated(model: Any, goal: Goal, optimizer: Any, known: Rows) -> Callable[..., Any]:
    """One step for all rows. Their gradient is summed up part by part, or it would not fit."""
    tf = tensorflow()
    inputs, targets, rows = tf.constant(known.inputs), tf.constant(known.targets), len(known)

    @tf.function
    def all_rows(order: Any) -> Any:
        total = tf.constant(0.0)
        sums = [tf.zeros_like(variable) for variable in model.trainable_variables]
        for start in tf.range(0, rows, _PASS_ROWS):
            places = order[start : start + _PASS_ROWS]
            with tf.GradientTape() as tape:
                outputs = model(tf.gather(inputs, places), training=True)
                loss = tf.reduce_sum(goal.losses(tf.gather(targets, places), outputs))
            gradients = tape.gradient(loss, model.trainable_variables)
            sums = [before + more for before, more in zip(sums, gradients, strict=True)]
            total += loss
        optimizer.apply([each / rows for each in sums], model.trainable_variables)
        return total / rows

    return all_rows


def _measuring(model: Any, goal: Goal, rows: Rows) -> Callable[[], Any]:
    """The mean loss, nothing learned."""
    tf = tensorflow()
    inputs, targets, count = tf.constant(rows.inputs), tf.constant(rows.targets), len(rows)

    @tf.function
    def measured() -> Any:
        total = tf.constant(0.0)
        for start in tf.range(0, count, _PASS_ROWS):
            end = start + _PASS_ROWS
            outputs = model(inputs[start:end], training=False)
            total += tf.reduce_sum(goal.losses(targets[start:end], outputs))
        return total / count

    return measured
