"""What a network is given of a table: standardised numbers, and one column for each category."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.models.neural.nodes import Part, constant
from pipelines.schema import CATEGORIES, NUMBERS, Schema

# In deviations from the mean. A network is linear far out, and one absurd value would outweigh
# all that the other columns say.
LIMIT = 10.0


@dataclass(frozen=True, eq=False)
class Columns:
    """How columns become the float32 inputs of a network.

    A missing number is taken for the mean. A category that training did not see is all zeros, and
    so is a missing one if none was missing then.

    Attributes:
        means: of each number, shape (numbers,), float64.
        factors: one over the deviation of each number, shape (numbers,), float64; 0 where it
            never varied, because what did not vary then cannot say anything now.
        categories: for each category the values that training saw, sorted.
    """

    means: npt.NDArray[np.float64]
    factors: npt.NDArray[np.float64]
    categories: tuple[tuple[str, ...], ...]

    @classmethod
    def fitted(cls, frame: pd.DataFrame, schema: Schema) -> Columns:
        """Learn from rows as `frames.features` gives them."""
        numbers = frame[list(schema.numbers)].to_numpy(dtype=np.float64)
        is_known = ~np.isnan(numbers)
        counts = np.maximum(is_known.sum(axis=0), 1)
        means = np.where(is_known, numbers, 0.0).sum(axis=0) / counts
        apart = np.where(is_known, numbers - means, 0.0)
        deviations = np.sqrt((apart**2).sum(axis=0) / counts)
        # A column of equal values has a mean that may be off by a rounding, and so a deviation.
        lowest = np.where(is_known, numbers, np.inf).min(axis=0, initial=np.inf)
        highest = np.where(is_known, numbers, -np.inf).max(axis=0, initial=-np.inf)
        varies = (lowest < highest) & (deviations > 0)
        factors = np.where(varies, 1.0 / np.where(varies, deviations, 1.0), 0.0)
        seen = tuple(tuple(sorted(set(frame[name]))) for name in schema.categories)
        return cls(means, factors, seen)

    @property
    def width(self) -> int:
        """Inputs of the network."""
        return len(self.means) + sum(len(values) for values in self.categories)

    def transform(self, frame: pd.DataFrame, schema: Schema) -> npt.NDArray[np.float32]:
        """Shape (rows, width)."""
        numbers = frame[list(schema.numbers)].to_numpy(dtype=np.float64)
        standardised = (numbers - self.means) * self.factors
        filled = np.where(np.isnan(standardised), 0.0, standardised)
        parts = [np.clip(filled, -LIMIT, LIMIT).astype(np.float32)]
        for name, values in zip(schema.categories, self.categories, strict=True):
            column = frame[name].to_numpy(dtype=object)
            parts.append((column[:, None] == np.array(values, dtype=object)).astype(np.float32))
        return np.concatenate(parts, axis=1)

    def part(self) -> Part:
        """The same as nodes of a graph, from `numbers` and `categories` to one tensor."""
        part = Part()
        made = []
        if len(self.means):
            made.append(self._standardised(part))
        for place, values in enumerate(self.categories):
            position = part.held("place", np.array([place], dtype=np.int64))
            column = part.node("Gather", [CATEGORIES, position], axis=1)
            made.append(self._one_hot(part, column, values))
        part.output = made[0] if len(made) == 1 else part.node("Concat", made, axis=1)
        return part

    def _standardised(self, part: Part) -> str:
        mean, factor = part.held("mean", self.means), part.held("factor", self.factors)
        apart = part.node("Sub", [NUMBERS, mean])
        return part.as_float(part.node("Mul", [apart, factor]), -LIMIT, LIMIT)

    @staticmethod
    def _one_hot(part: Part, column: str, values: tuple[str, ...]) -> str:
        coded = part.node(
            "OneHotEncoder", [column], domain="ai.onnx.ml", cats_strings=list(values), zeros=1
        )
        return part.node("Reshape", [coded, part.held("shape", constant(-1, len(values)))])

    def facts(self) -> dict[str, Any]:
        """What `arrays` cannot hold, for JSON."""
        return {"kind": "columns", "categories": [list(values) for values in self.categories]}

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The numbers, by name."""
        return {"means": self.means, "factors": self.factors}

    @classmethod
    def restored(cls, facts: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> Columns:
        """From what `facts` and `arrays` gave."""
        categories = tuple(tuple(values) for values in facts["categories"])
        return cls(arrays["means"], arrays["factors"], categories)
