"""What a trained model costs to run, measured on the graph that would be served."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from pipelines.frames import tensors
from pipelines.inference.encode import Tensors
from pipelines.inference.session import ModelSession
from pipelines.models.base import Fitted
from pipelines.schema import Schema
from pipelines.signature import MODEL_FILE, Signature, digest

Cost = Literal["latency", "size"]
_TIMED_ROWS = 300
_WARM_ROWS = 30


def measure(cost: Cost, fitted: Fitted, model: str, schema: Schema, rows: pd.DataFrame) -> float:
    """Megabytes of the ONNX file, or p50 milliseconds of one row of `rows` through its session.

    The size is the same every time. The latency is not, and is measured all the same: no count
    of nodes or multiplications says what a tree ensemble or a wide text encoder takes.

    Raises:
        ModelError: the model cannot be exported, or its graph does not run.
    """
    graph = fitted.to_onnx(model)
    if cost == "size":
        return len(graph) / 1e6
    with tempfile.TemporaryDirectory(prefix="evergreen-latency-") as folder:
        place = Path(folder)
        (place / MODEL_FILE).write_bytes(graph)
        signed = digest(place / MODEL_FILE)
        Signature(model, "unsaved", schema, signed, {}).write(place)
        session = ModelSession.open(place)
    return _median_milliseconds(session, tensors(rows, schema))


def _median_milliseconds(session: ModelSession, asked: Tensors) -> float:
    count = len(next(iter(asked.values())))
    taken = []
    for number in range(_WARM_ROWS + _TIMED_ROWS):
        place = number % count
        one = {name: values[place : place + 1] for name, values in asked.items()}
        started = time.perf_counter()
        session.predict(one)
        taken.append(1000 * (time.perf_counter() - started))
    return float(np.median(taken[_WARM_ROWS:]))
