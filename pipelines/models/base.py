"""What a model family is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.models.space import Knob
from pipelines.schema import Schema

Params = Mapping[str, float | int | str | bool]


class Fitted(Protocol):
    """A trained model, in training code."""

    def probabilities(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """The probability of class 1 for every row of `frame` (as `frames.features` gives it)."""
        ...

    def to_onnx(self, name: str) -> bytes:
        """The model and its preprocessing as one serialized ONNX graph called `name`.

        Inputs and outputs are those of `pipelines/schema.py`. The same model gives the same
        bytes.
        """
        ...


class Family(Protocol):
    """A way to train; stateless.

    Attributes:
        rungs: how often `fit` yields.
    """

    rungs: int

    def space(self) -> dict[str, Knob]:
        """The hyperparameters that may be searched."""
        ...

    def fit(
        self,
        frame: pd.DataFrame,
        labels: npt.NDArray[np.int64],
        schema: Schema,
        params: Params,
        seed: int,
    ) -> Iterator[Fitted]:
        """Train with growing budget, and yield at every rung; the last one is the model.

        A search looks at each rung and may stop asking, which is what pruning is. A family
        without rungs yields once.

        Raises:
            ModelError: a hyperparameter that this family does not have.
        """
        ...


def last(rungs: Iterator[Fitted]) -> Fitted:
    """Train to the end."""
    fitted: Any = None
    for fitted in rungs:  # noqa: B007
        pass
    assert fitted is not None, "a family yields at least once"
    return fitted
