"""What a worker does with parameters: train on `train`, score on `tuning`."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pipelines import registry
from pipelines.errors import ModelError
from pipelines.frames import features, labels
from pipelines.models.base import Family, Params, Training
from pipelines.schema import SCHEMA_FILE, Schema
from pipelines.statistics.quality import goodness
from pipelines.tuning.cost import Cost, measure
from pipelines.tuning.engine import Score, Scored
from pipelines.tuning.surroundings import surroundings

TRAIN_FILE = "train.parquet"
TUNING_FILE = "tuning.parquet"
FILES = (TRAIN_FILE, TUNING_FILE, SCHEMA_FILE)


@dataclass(frozen=True)
class Task:
    """What a worker needs; it is sent to another process, and maybe to another machine.

    Attributes:
        model: its name in params.yaml.
        family: its name in the registry.
        seed: of every training.
        cost: the second objective, or None.
        files: each of `FILES` as a path, or as its content for workers on other machines.
        surroundings: of the machine that asks; see `surroundings()`.
    """

    model: str
    family: str
    seed: int
    cost: Cost | None
    files: Mapping[str, Path | bytes]
    surroundings: str


def prepare(task: Task) -> Score:
    """Read the rows once, and give the function that scores parameters on them.

    Raises:
        ModelError: this machine runs other code or other libraries than the one that asks; its
            scores would be those of another search.
    """
    if task.surroundings != surroundings():
        raise ModelError(
            "a worker runs other code or other versions of the libraries than the search",
            where="params.yaml: tune.dask_address",
            next_step="install the same commit and requirements.lock on all machines of the "
            "cluster, and start its workers again",
        )
    schema = Schema.from_json(json.loads(_content(task, SCHEMA_FILE)))
    train, tuning = (
        pd.read_parquet(io.BytesIO(_content(task, name))) for name in (TRAIN_FILE, TUNING_FILE)
    )
    train_features, train_labels = features(train, schema), labels(train, schema)
    tuning_features, tuning_labels = features(tuning, schema), labels(tuning, schema)
    family: Family = registry.load(registry.MODEL_FAMILIES, task.family)()

    def score(params: Params) -> Iterator[Scored]:
        training = Training(train_features, train_labels, schema, params, task.seed)
        for number, fitted in enumerate(family.fit(training), start=1):
            quality = goodness(schema.task, tuning_labels, fitted.scores(tuning_features))
            is_last = number == family.rungs
            cost = None
            if is_last and task.cost is not None:
                cost = measure(task.cost, fitted, task.model, schema, tuning)
            yield Scored(quality, is_last, cost)

    return score


def _content(task: Task, name: str) -> bytes:
    file = task.files[name]
    return file if isinstance(file, bytes) else file.read_bytes()
