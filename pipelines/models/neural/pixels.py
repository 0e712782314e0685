"""What a network is given of an image: its pixels, from 0 to 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.models.neural.nodes import Part
from pipelines.schema import NUMBERS, Schema


@dataclass(frozen=True, eq=False)
class Pixels:
    """How pixels become the float32 inputs of a network. A missing one is taken for 0.

    Attributes:
        count: pixels of an image, each with its channels.
        largest: the largest value of a pixel: 255 in most files, 16 in scikit-learn's digits.
    """

    count: int
    largest: float

    @classmethod
    def fitted(cls, frame: pd.DataFrame, schema: Schema) -> Pixels:
        """Learn from rows as `frames.features` gives them."""
        pixels = frame[list(schema.numbers)].to_numpy(dtype=np.float64)
        largest = float(np.nanmax(pixels, initial=0.0))
        return cls(len(schema.numbers), largest if largest > 0 else 1.0)

    @property
    def width(self) -> int:
        """Inputs of the network."""
        return self.count

    def transform(self, frame: pd.DataFrame, schema: Schema) -> npt.NDArray[np.float32]:
        """Shape (rows, width)."""
        shares = frame[list(schema.numbers)].to_numpy(dtype=np.float64) / self.largest
        return np.clip(np.where(np.isnan(shares), 0.0, shares), 0.0, 1.0).astype(np.float32)

    def part(self) -> Part:
        """The same as nodes of a graph."""
        part = Part()
        share = part.node("Div", [NUMBERS, part.held("largest", np.array(self.largest))])
        part.output = part.as_float(share, 0.0, 1.0)
        return part

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return {"kind": "pixels", "count": self.count, "largest": self.largest}

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """None: the facts hold all there is."""
        return {}

    @classmethod
    def restored(cls, facts: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> Pixels:
        """From what `facts` gave."""
        assert not arrays
        return cls(facts["count"], facts["largest"])
