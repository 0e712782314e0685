"""Small trainings for all three tasks, of tables and of images."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipelines.datasets import digits
from pipelines.frames import features, labels
from pipelines.inference.session import ModelSession
from pipelines.models.base import Family, Fitted, Training
from pipelines.models.keras_mlp import KerasMlp
from pipelines.models.neural.network import Network
from pipelines.models.neural.training import RUNGS
from pipelines.schema import Schema, Task
from pipelines.settings import IngestSettings
from pipelines.signature import MODEL_FILE, Signature, digest
from tests.small import SCHEMA, table

QUICK: dict[str, Any] = {"units": 12, "epochs": 6, "learning_rate_scale": 5.0}


def training(task: Task = "binary", rows: int = 400, **params: Any) -> Training:
    """Of the table of `tests.small`: will they leave, which plan's city, or how much they spend."""
    frame = table(rows)
    schema = SCHEMA
    if task == "multiclass":
        frame["left"] = pd.cut(frame["spend"], [0, 10, 30, math.inf], labels=False)
        schema = replace(SCHEMA, task=task, classes=("little", "some", "much"))
    if task == "regression":
        frame["left"] = 1000 + 50 * np.log(frame["spend"]) - frame["visits"]
        schema = replace(SCHEMA, task=task)
    return Training(
        features(frame, schema), labels(frame, schema), schema, {**QUICK, **params}, seed=3
    )


@cache
def _digits() -> pd.DataFrame:
    settings = IngestSettings(dataset="digits", source=digits.SOURCE)
    [(_, frame)] = digits.Digits().read(settings).partitions
    return frame


def images(first: int = 0, last: int = 300, **params: Any) -> Training:
    """Some of scikit-learn's handwritten digits."""
    frame = _digits().iloc[first:last].reset_index(drop=True)
    schema = digits.SCHEMA
    return Training(features(frame, schema), labels(frame, schema), schema, params, seed=3)


def rungs(known: Training, family: Family | None = None) -> list[Network]:
    """All that the training yields, by dense layers if nothing else is said."""
    found = list((family or KerasMlp()).fit(known))
    assert len(found) == RUNGS
    assert all(isinstance(each, Network) for each in found)
    return found  # type: ignore[return-value]


def trained(known: Training, family: Family | None = None) -> Network:
    """The model that the training ends with."""
    return rungs(known, family)[-1]


def opened(fitted: Fitted, schema: Schema, folder: Path) -> ModelSession:
    """The exported graph, as the service opens it."""
    (folder / MODEL_FILE).write_bytes(fitted.to_onnx("shop"))
    Signature("shop", "any", schema, digest(folder / MODEL_FILE), {}).write(folder)
    return ModelSession.open(folder)


def accuracy(fitted: Fitted, asked: Training) -> float:
    """The share of rows whose class gets the highest probability."""
    return float((fitted.scores(asked.frame).argmax(axis=1) == asked.labels).mean())


def is_same(left: Network, right: Network) -> bool:
    """Whether two networks hold the same numbers, bit for bit, and came the same way."""
    weights = zip(left.weights, right.weights, strict=True)
    return left.epochs == right.epochs and all(np.array_equal(a, b) for a, b in weights)
