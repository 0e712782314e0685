"""Which rows a server lets in, beyond those that can be encoded at all.

A missing value is let in unless its column is `required`; a category that training never saw is
let in unless `unseen_categories` is `refuse`. Infinities never come this far.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.errors import CellError, ModelError
from pipelines.inference.encode import Tensors
from pipelines.schema import CATEGORIES, MISSING_CATEGORY, NUMBERS
from pipelines.serving.policy import ServingPolicy
from pipelines.signature import Signature


@dataclass(frozen=True)
class Admission:
    """The policy of a version, by the places of its columns in the tensors.

    Attributes:
        numbers: places and names of the required numeric columns.
        categories: the same of the categories.
        seen: place, name and known values of the categories whose unseen values are refused.
    """

    numbers: tuple[tuple[int, str], ...]
    categories: tuple[tuple[int, str], ...]
    seen: tuple[tuple[int, str, frozenset[str]], ...]

    def admit(self, tensors: Tensors) -> None:
        """Let the rows in, or name the first that stays out.

        Raises:
            CellError: a required value is missing, or a category is unknown.
        """
        for place, name in self.numbers:
            _refuse(np.isnan(tensors[NUMBERS][:, place]), name, "the value is missing", _SEND)
        for place, name in self.categories:
            is_missing = tensors[CATEGORIES][:, place] == MISSING_CATEGORY
            _refuse(is_missing, name, "the value is missing", _SEND)
        for place, name, known in self.seen:
            values = tensors[CATEGORIES][:, place].tolist()
            if not known.issuperset(values):
                is_new = np.array([value not in known for value in values])
                wrong = values[int(np.argmax(is_new))]
                _refuse(is_new, name, f"{wrong[:40]!r} was never seen in training", _KNOWN)


_SEND = "send it: this version is served with the column in serve.required"
_KNOWN = (
    "send a known category, or none; `serve.unseen_categories: allow` lets others in as unknown"
)


def of(signature: Signature, policy: ServingPolicy, where: str) -> Admission:
    """What a policy means for a model.

    Raises:
        ModelError: the policy speaks of a column that the model does not have.
    """
    schema = signature.schema
    unknown = sorted(set(policy.required) - set(schema.features))
    if unknown:
        raise ModelError(
            f"serve.required has columns that the model does not: {', '.join(unknown)}",
            where=where,
            next_step=f"use some of: {', '.join(schema.features)}",
        )

    def places(names: tuple[str, ...]) -> tuple[tuple[int, str], ...]:
        return tuple((at, name) for at, name in enumerate(names) if name in policy.required)

    seen: tuple[tuple[int, str, frozenset[str]], ...] = ()
    if policy.unseen_categories == "refuse":
        seen = tuple(
            (at, name, frozenset([*signature.categories_seen[name], MISSING_CATEGORY]))
            for at, name in enumerate(schema.categories)
        )
    return Admission(places(schema.numbers), places(schema.categories), seen)


def _refuse(wrong: np.ndarray, column: str, problem: str, next_step: str) -> None:
    if wrong.any():
        raise CellError(problem, row=int(np.argmax(wrong)), column=column, next_step=next_step)
