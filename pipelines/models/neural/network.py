"""A trained network: its answers, its graph, and the file that a later training goes on from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.models.base import Scores
from pipelines.models.neural import archive
from pipelines.models.neural.columns import Columns
from pipelines.models.neural.export import exported
from pipelines.models.neural.heads import Head
from pipelines.models.neural.pixels import Pixels
from pipelines.models.neural.runtime import keras, tensorflow
from pipelines.models.space import Value
from pipelines.schema import Schema

NETWORK_FILE = "network.npz"
# The kernels of TensorFlow choose their order of summing by the number of rows. With one number
# of rows only, an answer does not depend on the rows beside it.
_ROWS = 256
_INPUTS: dict[str, type[Columns | Pixels]] = {"columns": Columns, "pixels": Pixels}


@dataclass(frozen=True, eq=False)
class Network:
    """A trained network of Keras, as values: nothing that trains on can change it.

    Attributes:
        family: its name in the registry.
        schema: names and roles of the columns, and the task.
        shape: the hyperparameters that its layers were made from.
        inputs: what it makes of columns.
        head: what its outputs mean.
        layers: the layers as Keras describes them, JSON-ready.
        weights: what they learned, in the order of Keras.
        epochs: the rows of its curve.
    """

    family: str
    schema: Schema
    shape: Mapping[str, Value]
    inputs: Columns | Pixels
    head: Head
    layers: dict[str, Any]
    weights: tuple[npt.NDArray[Any], ...]
    epochs: tuple[dict[str, float], ...]

    def scores(self, frame: pd.DataFrame) -> Scores:
        """See `Fitted.scores`. Computed in float32."""
        inputs = self.inputs.transform(frame, self.schema)
        parts = [self._answered(inputs[at : at + _ROWS]) for at in range(0, len(inputs), _ROWS)]
        together = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        return self.head.scores(together)

    def outputs(self, frame: pd.DataFrame) -> npt.NDArray[np.float32]:
        """What the last layer says of every row, before it is an answer; shape (rows, units)."""
        inputs = self.inputs.transform(frame, self.schema)
        parts = [inputs[at : at + _ROWS] for at in range(0, len(inputs), _ROWS)]
        said = [self._outputs(self._padded(each), *self._constants) for each in parts]
        return np.concatenate(
            [outputs.numpy()[: len(each)] for outputs, each in zip(said, parts, strict=True)]
        )

    def to_onnx(self, name: str) -> bytes:
        """See `Fitted.to_onnx`."""
        return exported(name, self.schema, self.inputs.part(), self._answer, self.weights)

    def curve(self) -> list[dict[str, float]]:
        """One row an epoch: `epoch`, `loss` and `validation_loss`."""
        return [dict(row) for row in self.epochs]

    def save(self, folder: Path) -> None:
        """Write what `loaded` reads."""
        self.write(folder / NETWORK_FILE)

    def write(self, path: Path) -> None:
        """Write the whole network to one file, arrays and JSON."""
        facts = {
            "family": self.family,
            "schema": self.schema.to_json(),
            "shape": dict(self.shape),
            "inputs": self.inputs.facts(),
            "head": asdict(self.head),
            "layers": self.layers,
            "epochs": list(self.epochs),
        }
        weights = {f"weight_{place}": each for place, each in enumerate(self.weights)}
        archive.write(path, facts, {**self.inputs.arrays(), **weights})

    def _answered(self, inputs: npt.NDArray[np.float32]) -> dict[str, npt.NDArray[Any]]:
        answers = self._answer(self._padded(inputs), *self._constants)
        return {name: answer.numpy()[: len(inputs)] for name, answer in answers.items()}

    def _padded(self, inputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        padded = np.zeros((_ROWS, self.inputs.width), dtype=np.float32)
        padded[: len(inputs)] = inputs
        return padded

    @cached_property
    def _constants(self) -> list[Any]:
        return [tensorflow().constant(weight) for weight in self.weights]

    @cached_property
    def _answer(self) -> Any:
        """A function of TensorFlow, from inputs and weights to the answers by name.

        The weights are arguments, because the converter copies constants again and again: with
        those of AlexNet inside it takes 40 seconds, and so it takes one.
        """
        tf, outputs = tensorflow(), self._outputs
        signature = [
            tf.TensorSpec((None, self.inputs.width), tf.float32, name="features"),
            *(tf.TensorSpec(each.shape, tf.float32) for each in self.weights),
        ]

        @tf.function(input_signature=signature)
        def answer(features: Any, *weights: Any) -> dict[str, Any]:
            return self.head.answers(outputs(features, *weights))

        return answer

    @cached_property
    def _outputs(self) -> Callable[..., Any]:
        """From inputs and weights to what the last layer says."""
        model = keras().Sequential.from_config(self.layers)
        assert len(model.trainable_variables) == len(self.weights), "layers without other state"
        unused = [variable.numpy() for variable in model.non_trainable_variables]

        def outputs(features: Any, *weights: Any) -> Any:
            said, _ = model.stateless_call(list(weights), unused, features, training=False)
            return said

        return outputs


def read(path: Path, *, next_step: str) -> Network:
    """What `Network.write` wrote.

    Raises:
        ModelError: there is no such file, or it is damaged; ends with `next_step`.
    """
    facts, arrays = archive.read(path, next_step=next_step)
    try:
        count = sum(name.startswith("weight_") for name in arrays)
        weights = tuple(arrays.pop(f"weight_{place}") for place in range(count))
        return Network(
            family=facts["family"],
            schema=Schema.from_json(facts["schema"]),
            shape=facts["shape"],
            inputs=_INPUTS[facts["inputs"]["kind"]].restored(facts["inputs"], arrays),
            head=Head(**facts["head"]),
            layers=facts["layers"],
            weights=weights,
            epochs=tuple(facts["epochs"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise archive.damaged(path, error, next_step) from error
