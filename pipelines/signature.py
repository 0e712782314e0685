"""What a trained model says of itself: its columns and the digest of its graph."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.errors import ModelError
from pipelines.schema import Schema

MODEL_FILE = "model.onnx"
SIGNATURE_FILE = "signature.json"
GOLDEN_FILE = "golden.parquet"
TRAINING_FILE = "training.json"
TRAINED_ON_FILE = "trained_on.parquet"
# The model folder before compression, inside the model folder of a compressed model.
UNCOMPRESSED_FOLDER = "uncompressed"
# What a later, incremental training goes on from.
RESUME_FOLDER = "resume"
# Inside it, of a distilled model: the student, while the teacher lies where a model lies.
STUDENT_FOLDER = "student"
GOLDEN_ANSWER = "expected_answer"


@dataclass(frozen=True)
class Signature:
    """The content of signature.json, beside model.onnx.

    Attributes:
        model: the model's name in params.yaml.
        family: the family it was trained with.
        schema: its columns.
        sha256: digest of model.onnx, in hexadecimal.
        categories_seen: for each categorical feature the values that training saw.
    """

    model: str
    family: str
    schema: Schema
    sha256: str
    categories_seen: dict[str, list[str]]

    def write(self, folder: Path) -> None:
        value: dict[str, Any] = {
            "model": self.model,
            "family": self.family,
            "schema": self.schema.to_json(),
            "sha256": self.sha256,
            "categories_seen": self.categories_seen,
        }
        (folder / SIGNATURE_FILE).write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Signature:
        """Read signature.json in `folder` and hold model.onnx to its digest.

        Raises:
            ModelError: a file is missing or unreadable, or the digest is another.
        """
        path = folder / SIGNATURE_FILE
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
            signature = cls(**{**value, "schema": Schema.from_json(value["schema"])})
            seen = digest(folder / MODEL_FILE)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ModelError(
                f"not a model folder: {error}",
                where=str(path),
                next_step="train the model again (`dvc repro train@MODEL`) or `dvc checkout`",
            ) from error
        if seen != signature.sha256:
            raise ModelError(
                f"the digest is {seen[:12]}, the signature says {signature.sha256[:12]}",
                where=str(folder / MODEL_FILE),
                next_step="do not serve this file; `dvc checkout --force` restores the right one",
            )
        return signature


def golden_answers(schema: Schema) -> list[str]:
    """The columns of golden.parquet beside the features: what training code answered."""
    if schema.task != "multiclass":
        return [GOLDEN_ANSWER]
    return [f"{GOLDEN_ANSWER}_{place}" for place in range(len(schema.classes))]


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
