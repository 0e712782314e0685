"""A chain: one model's answer decides whether another is asked, in one request.

`flights_trip` asks `flights` whether a plane is late and, where that is likely enough,
`flights_minutes` by how much. Its folder holds a folder for each part and chain.json.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipelines.errors import ModelError
from pipelines.inference.encode import Tensors
from pipelines.schema import CATEGORIES, NUMBERS, Schema
from pipelines.serving import admission, policy
from pipelines.serving.admission import Admission
from pipelines.serving.policy import ServingPolicy
from pipelines.serving.served import PROBABILITY, Output, Outputs, ServedModel, rows_of

CHAIN_FILE = "chain.json"
# What stands for the answer of a part that was not asked, by datatype.
NOT_ASKED: dict[str, Any] = {"FP64": np.nan, "INT64": -1, "BYTES": ""}
_NUMPY = {"FP64": np.float64, "INT64": np.int64, "BYTES": np.object_}


class Link(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What chain.json says.

    Attributes:
        name: of the chain.
        first: the folder, and model, that is asked about every row; it answers with a probability.
        then: the folder, and model, that is asked about the rows that the first is sure enough of.
        at_least: so sure.
    """

    name: str
    first: str
    then: str
    at_least: float

    def write(self, folder: Path) -> None:
        content = msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"
        (folder / CHAIN_FILE).write_bytes(content)


@dataclass(frozen=True)
class ServedChain:
    """Two models, opened; answers as one.

    Outputs carry their model's name: `flights.probability`, `flights_minutes.value`. Those of the
    second model hold `NOT_ASKED` where it was not asked.
    """

    link: Link
    first: ServedModel
    then: ServedModel
    policy: ServingPolicy
    admission: Admission
    schema: Schema

    @classmethod
    def open(cls, folder: Path) -> ServedChain:
        """Open both parts.

        Raises:
            ModelError: a part cannot be opened, the two do not make a chain, or its policy speaks
                of columns that neither has.
        """
        path = folder / CHAIN_FILE
        try:
            link = msgspec.json.decode(path.read_bytes(), type=Link)
        except (OSError, msgspec.MsgspecError) as error:
            raise ModelError(
                f"not a chain: {error}", where=str(path), next_step="build the bento again"
            ) from error
        first = ServedModel.open(folder / link.first)
        then = ServedModel.open(folder / link.then)
        schema = joined(first.schema, then.schema, str(path))
        chosen, where = policy.read(folder), str(folder / policy.SERVING_FILE)
        let_in = admission.of(schema, _seen(first, then), chosen, where)
        return cls(link, first, then, chosen, let_in, schema)

    @property
    def name(self) -> str:
        return self.link.name

    @property
    def version(self) -> str:
        return f"{self.first.version}.{self.then.version}"

    @property
    def digest(self) -> str:
        return f"{self.first.digest}+{self.then.digest}"

    @cached_property
    def outputs(self) -> tuple[Output, ...]:
        return tuple(
            replace(output, name=f"{name}.{output.name}", is_partial=part is self.then)
            for name, part in ((self.link.first, self.first), (self.link.then, self.then))
            for output in part.outputs
        )

    def admit(self, tensors: Tensors) -> None:
        self.admission.admit(tensors)
        self.first.admit(self._part(tensors, self.first.schema))
        self.then.admit(self._part(tensors, self.then.schema))

    def answer(self, tensors: Tensors) -> Outputs:
        answered = self.first.answer(self._part(tensors, self.first.schema))
        outputs = {f"{self.link.first}.{name}": values for name, values in answered.items()}
        asked = np.flatnonzero(answered[PROBABILITY] >= self.link.at_least)
        told: Outputs = {}
        if asked.size:
            part = self._part(tensors, self.then.schema)
            told = self.then.answer({name: tensor[asked] for name, tensor in part.items()})
        for output in self.then.outputs:
            values = _not_asked(output, rows_of(tensors))
            if asked.size:
                values[asked] = told[output.name]
            outputs[f"{self.link.then}.{output.name}"] = values
        return outputs

    def _part(self, tensors: Tensors, schema: Schema) -> Tensors:
        """The tensors of one model, out of those of the chain."""
        part: Tensors = {}
        for name, known, wanted in (
            (NUMBERS, self.schema.numbers, schema.numbers),
            (CATEGORIES, self.schema.categories, schema.categories),
        ):
            if wanted:
                same = known == wanted
                part[name] = (
                    tensors[name]
                    if same
                    else tensors[name][:, [known.index(column) for column in wanted]]
                )
        return part


def _seen(first: ServedModel, then: ServedModel) -> dict[str, Sequence[str]]:
    """What of each category was seen in training, by both where both have it."""
    seen: dict[str, Sequence[str]] = dict(first.session.signature.categories_seen)
    for name, values in then.session.signature.categories_seen.items():
        known = frozenset(seen.get(name, values))
        seen[name] = [value for value in values if value in known]
    return seen


def joined(first: Schema, then: Schema, where: str) -> Schema:
    """The columns that a chain of two models asks for.

    Raises:
        ModelError: the first does not answer with one probability, a model is for images, or a
            column is a number to one and a category to the other.
    """
    problem = None
    if first.task != "binary":
        problem = f"its first model answers {first.task}, and a chain turns on one probability"
    elif first.image is not None or then.image is not None:
        problem = "a model for images has no columns to share"
    elif mixed := (set(first.numbers) & set(then.categories)) | (
        set(first.categories) & set(then.numbers)
    ):
        problem = f"a number to one model is a category to the other: {', '.join(sorted(mixed))}"
    if problem is not None:
        raise ModelError(
            problem, where=where, next_step="chain models of the same table, a binary one first"
        )
    return Schema(
        numbers=tuple(dict.fromkeys(first.numbers + then.numbers)),
        categories=tuple(dict.fromkeys(first.categories + then.categories)),
        target=first.target,
        time=first.time,
    )


def _not_asked(output: Output, rows: int) -> NDArray[Any]:
    shape = (rows,) if output.width is None else (rows, output.width)
    return np.full(shape, NOT_ASKED[output.datatype], dtype=_NUMPY[output.datatype])
