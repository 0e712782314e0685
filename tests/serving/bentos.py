"""A bento of each kind: a table and two classes, images and ten, a table and a value."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from pipelines import golden
from pipelines.datasets.digits import SOURCE, Digits
from pipelines.packaging import build
from pipelines.paths import HomePaths
from pipelines.settings import IngestSettings
from pipelines.signature import Signature
from tests.model_folder import make_model_folder
from tests.packaged import LABELS
from tests.small import table, tasked, trained

Kind = Literal["table", "images", "value"]
KINDS: tuple[Kind, ...] = ("table", "images", "value")


@dataclass(frozen=True)
class Bento:
    """One bento, with the model folder that it was built from."""

    artifact: Path
    home: HomePaths
    tag: str

    @property
    def signature(self) -> Signature:
        return Signature.read(self.artifact)

    def rows(self, count: int) -> list[dict[str, Any]]:
        schema = self.signature.schema
        return golden.rows(golden.read(self.artifact, schema).slice(0, count), schema)


def make(kind: Kind, folder: Path) -> Bento:
    """Train a small model of that kind by the code that trains the real ones, and package it."""
    home = HomePaths(folder / "home")
    if kind == "table":
        artifact = folder / "artifact"
        make_model_folder(artifact, rows=1200, seed=7)
    elif kind == "images":
        ingested = Digits().read(IngestSettings(dataset="digits", source=SOURCE))
        frame = pd.concat([part for _, part in ingested.partitions], ignore_index=True)
        small = {"bootstrap_rounds": 50, "importance_rows": 100, "slices": []}
        paths, _ = trained(
            folder, frame, ingested.schema, train={"family": "logistic"}, evaluate=small
        )
        artifact = paths.artifact
    else:
        frame, schema = tasked(table(), "regression")
        small = {"bootstrap_rounds": 50, "importance_rows": 100, "slices": []}
        paths, _ = trained(
            folder,
            frame,
            schema,
            params={"max_iter": 20},
            train={"family": "hist_gradient_boosting"},
            evaluate=small,
        )
        artifact = paths.artifact
    return Bento(artifact, home, build(artifact, LABELS, "v3", home))
