"""Targets of a regression on a scale that gradient descent can work with.

Step sizes and penalties are made for targets of size 1; minutes or euros are not. So the target
is standardised for training, and the scale is folded into the last linear layer afterwards: the
model answers in the unit of the target, and its graph needs no step more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scale:
    """Mean and standard deviation of a target, in its unit."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, values: Floats) -> Scale:
        """The scale of these targets; a constant target keeps its unit."""
        return cls(float(values.mean()), float(values.std()) or 1.0)

    def scaled(self, values: Floats) -> Floats:
        return (values - self.mean) / self.deviation

    def unfolded(self, weights: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """What `folded` was given."""
        return weights / self.deviation, (bias - self.mean) / self.deviation

    def folded(self, weights: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """The last linear layer of a model of scaled targets, made to answer in their unit."""
        return weights * self.deviation, bias * self.deviation + self.mean
