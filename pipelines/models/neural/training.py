"""Train a network epoch by epoch, from the last checkpoint if there is one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.errors import ModelError
from pipelines.models.base import Lesson, Training
from pipelines.models.neural.checkpoints import Checkpoints, Progress, Weights, identity
from pipelines.models.neural.columns import Columns
from pipelines.models.neural.distillation import Guidance, require_smaller
from pipelines.models.neural.heads import Head
from pipelines.models.neural.learner import Goal, Learner, Rows
from pipelines.models.neural.network import Network
from pipelines.models.neural.parents import parent
from pipelines.models.neural.pixels import Pixels
from pipelines.models.neural.plan import Plan
from pipelines.models.neural.runtime import keras
from pipelines.models.space import Value

# A third, two thirds and all of the epochs.
RUNGS = 3
_HELD_OUT_SHARE = 0.1

# From the hyperparameters of a shape and a seed: the layers between the inputs and the last one.
Layers = Callable[[Mapping[str, Value], int], list[Any]]


def trained(family: str, plan: Plan, layers: Layers, training: Training) -> Iterator[Network]:
    """Train, and yield at every rung; see `Family.fit`.

    Raises:
        ModelError: too few rows, a loss that is no number, a parent or a checkpoint that does
            not fit.
    """
    start = _beginning(family, plan, layers, training)
    yield from _rungs(start, plan, training, start.head, identity(family, plan, training))


def distilled(
    family: str, plan: Plan, layers: Layers, training: Training, teacher: Network, lesson: Lesson
) -> Iterator[Network]:
    """Train a student, and yield at every rung; see `Teachable.distil`.

    Raises:
        ModelError: the student is not smaller than `teacher`; and what `trained` raises.
    """
    start = _beginning(family, plan, layers, training)
    require_smaller(start, teacher)
    goal = Guidance.of(teacher, start.head, training, lesson)
    told = {**identity(family, plan, training), "lesson": goal.identity()}
    yield from _rungs(start, plan, training, goal, told)


def _rungs(
    start: Network, plan: Plan, training: Training, goal: Head | Guidance, told: dict[str, Any]
) -> Iterator[Network]:
    store = Checkpoints(training.checkpoints, told) if training.checkpoints else None
    targets = goal.targets(training.labels)
    course = _Course(start.family, plan, _learner(start, plan, training, goal, targets), store)
    for rung in range(1, RUNGS + 1):
        yield course.rung(rung, start)


class _Course:
    """The epochs of one training, one after the other."""

    def __init__(
        self, family: str, plan: Plan, learner: Learner, store: Checkpoints | None
    ) -> None:
        self._family = family
        self._plan = plan
        self._learner = learner
        self._store = store
        self._progress = Progress()
        if store is not None and (found := store.read()) is not None:
            self._progress, state = found
            learner.restore(state)

    def rung(self, number: int, start: Network) -> Network:
        """Train as far as the rung; the network there."""
        until = max(1, self._plan.epochs * number // RUNGS)
        if self._store is not None and self._progress.epoch > until:
            return self._store.read_rung(number)
        while self._progress.epoch < until and not self._is_over():
            self._epoch()
        reached = replace(start, weights=self._chosen(), epochs=tuple(self._progress.curve))
        if self._store is not None and number < RUNGS:
            self._store.write_rung(number, reached)
        return reached

    def _epoch(self) -> None:
        progress, number = self._progress, self._progress.epoch + 1
        loss = self._learner.epoch(number)
        validation_loss = self._learner.validation_loss()
        if not (math.isfinite(loss) and math.isfinite(validation_loss)):
            raise self._diverged(number, loss, validation_loss)
        progress.epoch = number
        progress.curve.append(
            {"epoch": float(number), "loss": loss, "validation_loss": validation_loss}
        )
        if validation_loss < progress.best_loss:
            progress.best_epoch = number
            # Without patience the last epoch is the model, and no other is remembered.
            progress.best = self._learner.weights() if self._plan.patience else ()
        if self._store is not None:
            self._store.write(progress, self._learner.state())

    def _is_over(self) -> bool:
        waited = self._progress.epoch - self._progress.best_epoch
        return 0 < self._plan.patience <= waited

    def _chosen(self) -> Weights:
        return self._progress.best or self._learner.weights()

    def _diverged(self, number: int, loss: float, validation_loss: float) -> ModelError:
        kept = f"; the checkpoint after epoch {number - 1} is kept" if self._store else ""
        return ModelError(
            f"the loss is no number in epoch {number}: {loss} in training, {validation_loss} on "
            f"the rows held out, with {self._plan.optimizer} at a rate of {self._plan.rate:g}",
            where=f"params.yaml: train.fixed ({self._family})",
            next_step=f"lower learning_rate or learning_rate_scale{kept}",
        )


def held_out(rows: int, *, has_time: bool, seed: int) -> npt.NDArray[np.bool_]:
    """Which rows only measure when to stop: a tenth, at least one; shape (rows,).

    Rows with a time come in its order, and the last tenth is taken: a tenth drawn from all of
    them would share its days with the rest. Rows without a time may lie class by class, and the
    last tenth could be one class only, so there it is drawn.

    Raises:
        ModelError: there are fewer than two rows.
    """
    if rows < 2:
        raise ModelError(
            f"{rows} rows are too few to train a network and to tell when to stop",
            where="the rows to train on",
            next_step="bring more data",
        )
    count = max(1, int(rows * _HELD_OUT_SHARE))
    is_out = np.zeros(rows, dtype=bool)
    if has_time:
        is_out[-count:] = True
    else:
        is_out[np.random.default_rng(seed).choice(rows, count, replace=False)] = True
    return is_out


def _beginning(family: str, plan: Plan, layers: Layers, training: Training) -> Network:
    """The network before its first epoch: new, or with what the parent learned."""
    schema = training.schema
    inputs: Columns | Pixels
    if training.parent is not None:
        known = parent(training.parent, family, schema, plan.shape)
        inputs, head = known.inputs, known.head
    else:
        known = None
        inputs = (Pixels if schema.image else Columns).fitted(training.frame, schema)
        head = Head.fitted(training.labels, schema)
    model = _assembled(plan, layers, inputs.width, head.units, training.seed)
    weights = known.weights if known else tuple(np.array(each) for each in model.get_weights())
    return Network(family, schema, plan.shape, inputs, head, model.get_config(), weights, epochs=())


def _assembled(plan: Plan, layers: Layers, width: int, units: int, seed: int) -> Any:
    """The network of Keras, from its inputs to its last layer."""
    library = keras()
    first, second = (int(each) for each in np.random.SeedSequence(seed).generate_state(2))
    last = library.layers.Dense(
        units, kernel_initializer=library.initializers.GlorotUniform(first), name="out"
    )
    entry = library.Input((width,), name="features")
    return library.Sequential([entry, *layers(plan.shape, second), last], name="network")


def _learner(
    start: Network, plan: Plan, training: Training, goal: Goal, targets: npt.NDArray[Any]
) -> Learner:
    model = keras().Sequential.from_config(start.layers)
    model.set_weights(start.weights)
    rows = Rows(start.inputs.transform(training.frame, training.schema), targets)
    is_out = held_out(len(rows), has_time=training.schema.time is not None, seed=training.seed)
    return Learner(
        model,
        goal,
        plan,
        training.seed,
        known=rows.taken(np.flatnonzero(~is_out)),
        held_out=rows.taken(np.flatnonzero(is_out)),
    )
