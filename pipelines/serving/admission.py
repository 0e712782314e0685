"""Which rows a server lets in, beyond those that can be encoded at all.

A missing value is let in unless its column is `required`, as each pixel of an image is; a category
that training never saw is let in unless `unseen_categories` is `refuse`, or it is longer than any
category. Infinities never come this far.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.errors import CellError, ModelError
from pipelines.inference.encode import Tensors
from pipelines.schema import CATEGORIES, MISSING_CATEGORY, NUMBERS, Schema
from pipelines.serving.policy import ServingPolicy

# Of one category: a queue of records that are counted by rows must not fill the memory.
MOST_CHARACTERS = 1000


@dataclass(frozen=True)
class Admission:
    """The policy of a version, by the places of its columns in the tensors.

    Attributes:
        numbers: places and names of the required numeric columns.
        categories: the same of the categories.
        named: the names of all categories.
        seen: place, name and known values of the categories whose unseen values are refused.
    """

    numbers: tuple[tuple[int, str], ...]
    categories: tuple[tuple[int, str], ...]
    named: tuple[str, ...]
    seen: tuple[tuple[int, str, frozenset[str]], ...]

    def admit(self, tensors: Tensors) -> None:
        """Let the rows in, or name the first that stays out.

        Raises:
            CellError: a required value is missing, or a category is unknown or too long.
        """
        if self.numbers:
            values = tensors[NUMBERS]
            # Of an image they are all of its pixels, and looked at one by one only if need be.
            if len(self.numbers) < values.shape[1] or np.isnan(values).any():
                for place, name in self.numbers:
                    _refuse(np.isnan(values[:, place]), name, "the value is missing", _SEND)
        if self.named:
            self._refuse_long(tensors[CATEGORIES])
        for place, name in self.categories:
            is_missing = tensors[CATEGORIES][:, place] == MISSING_CATEGORY
            _refuse(is_missing, name, "the value is missing", _SEND)
        for place, name, known in self.seen:
            values = tensors[CATEGORIES][:, place].tolist()
            if not known.issuperset(values):
                is_new = np.array([value not in known for value in values])
                wrong = values[int(np.argmax(is_new))]
                _refuse(is_new, name, f"{wrong[:40]!r} was never seen in training", _KNOWN)

    def _refuse_long(self, values: np.ndarray) -> None:
        lengths = list(map(len, values.ravel().tolist()))
        if max(lengths) > MOST_CHARACTERS:
            row, place = divmod(lengths.index(max(lengths)), len(self.named))
            raise CellError(
                f"a category of {max(lengths)} characters",
                row=row,
                column=self.named[place],
                next_step=f"send {MOST_CHARACTERS} at most",
            )


_SEND = "send it: this version is not asked without"
_KNOWN = (
    "send a known category, or none; `serve.unseen_categories: allow` lets others in as unknown"
)


def of(
    schema: Schema, known: Mapping[str, Sequence[str]], policy: ServingPolicy, where: str
) -> Admission:
    """What a policy means for a model, or for a chain.

    Args:
        schema: the columns that are asked for.
        known: by the name of a category, what of it training has seen.
        policy: of the version.
        where: the policy is written.

    Raises:
        ModelError: the policy speaks of a column that there is not.
    """
    unknown = sorted(set(policy.required) - set(schema.features))
    if unknown:
        raise ModelError(
            f"serve.required has columns that the model does not: {', '.join(unknown)}",
            where=where,
            next_step=f"use some of: {', '.join(schema.features)}",
        )

    required = required_of(schema, policy)

    def places(names: tuple[str, ...]) -> tuple[tuple[int, str], ...]:
        return tuple((at, name) for at, name in enumerate(names) if name in required)

    seen: tuple[tuple[int, str, frozenset[str]], ...] = ()
    if policy.unseen_categories == "refuse":
        seen = tuple(
            (at, name, frozenset([*known[name], MISSING_CATEGORY]))
            for at, name in enumerate(schema.categories)
        )
    numbers, categories = places(schema.numbers), places(schema.categories)
    return Admission(numbers, categories, schema.categories, seen)


def required_of(schema: Schema, policy: ServingPolicy) -> frozenset[str]:
    """The columns whose value may not be missing."""
    return frozenset([*policy.required, *(schema.numbers if schema.image else ())])


def _refuse(wrong: np.ndarray, column: str, problem: str, next_step: str) -> None:
    if wrong.any():
        raise CellError(problem, row=int(np.argmax(wrong)), column=column, next_step=next_step)
