"""A BentoML service as its documentation has it: the same model behind BentoML's defaults."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import bentoml

from pipelines.inference.encode import encode_rows
from pipelines.inference.session import ModelSession

FOLDER = "STOCK_MODEL_FOLDER"


@bentoml.service
class Stock:
    """One API with typed arguments; nothing tuned."""

    def __init__(self) -> None:
        self._model = ModelSession.open(Path(os.environ[FOLDER]))

    @bentoml.api
    def predict(self, rows: list[dict[str, Any]]) -> list[float]:
        """The probabilities of the rows."""
        tensors = encode_rows(self._model.signature.schema, rows)
        return self._model.predict(tensors).scores.tolist()
