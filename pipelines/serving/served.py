"""What a server answers with: one model, opened, with what it lets in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipelines.inference.encode import Tensors
from pipelines.inference.session import ModelSession
from pipelines.schema import Schema
from pipelines.serving import admission, policy, release
from pipelines.serving.admission import Admission

# By output: an array with one entry, or one row of entries, for each row that was asked.
Outputs = dict[str, NDArray[Any]]

PROBABILITY = "probability"
PROBABILITIES = "probabilities"
LABEL = "label"
VALUE = "value"


@dataclass(frozen=True)
class Output:
    """One of the outputs, in the words of the Open Inference Protocol.

    Attributes:
        name: as in `Outputs`.
        datatype: FP64, INT64 or BYTES.
        width: entries a row when there is more than one, such as one a class; else None.
        is_partial: whether some rows may have none, as in a chain.
    """

    name: str
    datatype: str
    width: int | None = None
    is_partial: bool = False


class Servable(Protocol):
    """What the doors of a server ask: a model, or a chain of models."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str:
        """Which version answers: `v3`; for a chain all of its parts with their versions."""

    @property
    def digest(self) -> str: ...

    @property
    def schema(self) -> Schema:
        """The columns that are asked for."""

    @property
    def outputs(self) -> tuple[Output, ...]: ...

    @property
    def policy(self) -> policy.ServingPolicy: ...

    def admit(self, tensors: Tensors) -> None:
        """Raises CellError for a row that the policy keeps out."""

    def answer(self, tensors: Tensors) -> Outputs: ...


@dataclass(frozen=True)
class ServedModel:
    """The model folder of a bento."""

    session: ModelSession
    release: release.Release
    policy: policy.ServingPolicy
    admission: Admission

    @classmethod
    def open(cls, folder: Path) -> ServedModel:
        """Open the folder and hold the graph to its digest.

        Raises:
            ModelError: a file is missing or damaged, the graph is not the one that was signed,
                or the policy speaks of columns that the model does not have.
        """
        session = ModelSession.open(folder, threads=1)
        chosen = policy.read(folder)
        signature, where = session.signature, str(folder / policy.SERVING_FILE)
        let_in = admission.of(signature.schema, signature.categories_seen, chosen, where)
        return cls(session, release.read(folder), chosen, let_in)

    @property
    def name(self) -> str:
        return self.session.signature.model

    @property
    def version(self) -> str:
        return self.release.version

    @property
    def digest(self) -> str:
        return self.session.signature.sha256

    @property
    def schema(self) -> Schema:
        return self.session.signature.schema

    @cached_property
    def outputs(self) -> tuple[Output, ...]:
        return outputs_of(self.schema)

    @cached_property
    def _classes(self) -> NDArray[np.object_]:
        return np.array(self.schema.classes, dtype=np.object_)

    def admit(self, tensors: Tensors) -> None:
        self.admission.admit(tensors)

    def answer(self, tensors: Tensors) -> Outputs:
        prediction = self.session.predict(tensors)
        schema = self.schema
        if schema.task == "regression":
            return {VALUE: prediction.scores}
        if schema.task == "binary":
            return {PROBABILITY: prediction.scores, LABEL: prediction.labels}
        return {PROBABILITIES: prediction.scores, LABEL: self._classes[prediction.labels]}


def outputs_of(schema: Schema) -> tuple[Output, ...]:
    """The outputs of a model with this schema."""
    if schema.task == "regression":
        return (Output(VALUE, "FP64"),)
    if schema.task == "binary":
        return (Output(PROBABILITY, "FP64"), Output(LABEL, "INT64"))
    return (Output(PROBABILITIES, "FP64", len(schema.classes)), Output(LABEL, "BYTES"))


def rows_of(tensors: Mapping[str, NDArray[Any]]) -> int:
    """How many rows tensors or outputs hold."""
    return len(next(iter(tensors.values())))
