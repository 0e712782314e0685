"""Answered requests, and models that answer them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.predictions.record import Answered, AnsweredRequest
from pipelines.schema import Schema

ROOT = Path(__file__).resolve().parents[2]
NOON = 1_800_000_000_000_000_000
KEY = bytes(range(32))
BINARY = Schema(numbers=("hour", "time"), categories=("origin", "row"), target="late")
MULTICLASS = Schema(
    numbers=("width",), categories=(), target="kind", task="multiclass", classes=("cat", "dog")
)
REGRESSION = Schema(numbers=("hour",), categories=("origin",), target="delay", task="regression")
IMAGE = Schema(
    numbers=tuple(f"p{i}" for i in range(6)),
    categories=(),
    target="digit",
    task="multiclass",
    classes=("0", "1"),
    image=(2, 3, 1),
)


def outputs(schema: Schema, rows: int) -> dict[str, Any]:
    """An answer of the kind that the task asks for."""
    if schema.task == "regression":
        return {"value": np.arange(rows) / 3}
    if schema.task == "multiclass":
        probabilities = np.tile([0.25, 0.75], (rows, 1))
        return {"label": np.array([schema.classes[1]] * rows), "probabilities": probabilities}
    return {"label": np.arange(rows) % 2, "probability": np.full(rows, 0.625)}


def answered(number: int = 0, rows: int = 1, schema: Schema = BINARY, **changes: Any) -> Answered:
    """The request of that number; all that is in it follows from the number."""
    tensors: dict[str, Any] = {}
    if schema.numbers:
        places = np.arange(rows * len(schema.numbers), dtype=np.float64)
        tensors["numbers"] = number + places.reshape(rows, -1)
    if schema.categories:
        words = [f"{name}-{number}" for name in schema.categories]
        tensors["categories"] = np.array([words] * rows, dtype=object)
    request = AnsweredRequest(
        request_id=f"request-{number}",
        arrived_ns=NOON + number * 1_000_000,
        door="rest",
        is_shadow=False,
        latency_us=180 + number,
        rows=rows,
    )
    of_request = {name: changes.pop(name) for name in AnsweredRequest._fields if name in changes}
    fields: dict[str, Any] = {
        "version": "flights@v3",
        "requests": [request._replace(**of_request)],
        "tensors": tensors,
        "outputs": outputs(schema, rows),
    }
    return Answered(**{**fields, **changes})


def wordy(number: int, letters: int, **changes: Any) -> Answered:
    """The request of that number, with a category of so many letters."""
    record = answered(number, **changes)
    record.tensors["categories"][0, 0] = f"{number} ".ljust(letters, "x")
    return record


def python(code: str, *arguments: object, timeout: float = 60) -> str:
    """What a program prints that runs in a process of its own, to its end."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=timeout,
    )
    return done.stdout
