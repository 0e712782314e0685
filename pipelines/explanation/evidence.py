"""What the stages left of a model, read once, for its card."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from pipelines.files import read_json
from pipelines.inference.columns import encode_batch
from pipelines.inference.encode import Tensors
from pipelines.paths import ModelPaths
from pipelines.schema import CATEGORIES, MISSING_CATEGORY, NUMBERS, Schema
from pipelines.signature import TRAINING_FILE, Signature


@dataclass(frozen=True)
class Evidence:
    """The content of files, by what they are about.

    Attributes:
        signature: of the model folder.
        split: rows, labels and days of each side, by its name.
        missing: the share of missing values by feature among the reference rows.
        others: evaluation.json, attribution.json, training.json, best.json, validation.json and
            source.json, as they are.
    """

    signature: Signature
    split: dict[str, Any]
    missing: dict[str, float]
    evaluation: dict[str, Any]
    attribution: dict[str, Any]
    training: dict[str, Any]
    study: dict[str, Any]
    validation: dict[str, Any]
    source: dict[str, Any]

    @property
    def schema(self) -> Schema:
        return self.signature.schema

    @classmethod
    def read(cls, paths: ModelPaths) -> Evidence:
        """Read the files; all stages must have run.

        Raises:
            OSError: a file is missing.
            ModelError: the model folder cannot be trusted.
        """
        signature = Signature.read(paths.artifact)
        # By Arrow: pandas would take longer to import than all else here takes to read.
        [reference] = (
            pq.read_table(paths.splits / "reference.parquet").combine_chunks().to_batches()
        )
        return cls(
            signature=signature,
            split=read_json(paths.splits / "split.json"),
            missing=missing_shares(encode_batch(signature.schema, reference), signature.schema),
            evaluation=read_json(paths.reports / "evaluation.json"),
            attribution=read_json(paths.reports / "attribution.json"),
            training=read_json(paths.artifact / TRAINING_FILE),
            study=read_json(paths.study / "best.json"),
            validation=read_json(paths.validation_summary),
            source=read_json(paths.source),
        )


def missing_shares(rows: Tensors, schema: Schema) -> dict[str, float]:
    """The share of missing values of each feature, the largest first."""
    found = {}
    for place, name in enumerate(schema.numbers):
        found[name] = float(np.isnan(rows[NUMBERS][:, place]).mean())
    for place, name in enumerate(schema.categories):
        found[name] = float((rows[CATEGORIES][:, place] == MISSING_CATEGORY).mean())
    return dict(sorted(found.items(), key=lambda item: -item[1]))
