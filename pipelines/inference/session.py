"""A model folder, opened for prediction: the ONNX session and the columns that it takes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# Else it would gather in the home folder what it is used for, and send it. It asks once, when it
# is imported, and for us that is here.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime

from pipelines.errors import ModelError
from pipelines.inference.encode import Tensors, encode_columns
from pipelines.schema import CATEGORIES, LABEL, NUMBERS, PROBABILITIES, VALUE, Schema
from pipelines.signature import MODEL_FILE, Signature


class Prediction(NamedTuple):
    """What the model says of each row.

    Attributes:
        scores: float64: the probability of class 1, shape (rows,); of each class, shape
            (rows, classes); or, for a regression, the value, shape (rows,).
        labels: int64, shape (rows,): the class that the model decides for; for a regression
            there is nothing to decide, and all are 0.
    """

    scores: NDArray[np.float64]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class ModelSession:
    """A graph whose digest was checked, with the signature it came with."""

    signature: Signature
    _session: Any

    @classmethod
    def open(cls, folder: Path, threads: int = 1) -> ModelSession:
        """Check the folder, load its graph, and run it once.

        Args:
            folder: holds model.onnx and signature.json.
            threads: of one call. A server wants 1, because its requests already run side by
                side and a pool costs more than one row; a batch may want more.

        Raises:
            ModelError: the digest is wrong, the graph cannot be loaded, its inputs or outputs
                are not those of the signature, or it does not run.
        """
        signature = Signature.read(folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Idle threads would spin on a core that another server wants.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(
                str(folder / MODEL_FILE), options, providers=["CPUExecutionProvider"]
            )
            _check(session, signature.schema)
            opened = cls(signature, session)
            opened.predict(_nothing_known(signature.schema))
        except ModelError as error:
            raise _unusable(folder, error.problem) from None
        except Exception as error:
            raise _unusable(folder, str(error)) from error
        return opened

    def predict(self, tensors: Tensors) -> Prediction:
        """Score the rows that `encode_rows` or `encode_columns` made into tensors."""
        # By name: the order of outputs is the converter's affair.
        if self.signature.schema.task == "regression":
            [values] = self._session.run([VALUE], tensors)
            return Prediction(values[:, 0].astype(np.float64), np.zeros(len(values), np.int64))
        labels, probabilities = self._session.run([LABEL, PROBABILITIES], tensors)
        if self.signature.schema.task == "binary":
            probabilities = probabilities[:, 1]
        return Prediction(probabilities.astype(np.float64), labels)


def _check(session: Any, schema: Schema) -> None:
    wanted = {}
    if schema.numbers:
        wanted[NUMBERS] = ("tensor(double)", len(schema.numbers))
    if schema.categories:
        wanted[CATEGORIES] = ("tensor(string)", len(schema.categories))
    seen = {put.name: (put.type, put.shape[-1]) for put in session.get_inputs()}
    if seen != wanted:
        raise _mismatch("inputs", seen, wanted)
    answers = {LABEL: "tensor(int64)", PROBABILITIES: "tensor(float)"}
    if schema.task == "regression":
        answers = {VALUE: "tensor(float)"}
    given = {put.name: put.type for put in session.get_outputs()}
    if given != answers:
        raise _mismatch("outputs", given, answers)


def _mismatch(kind: str, seen: object, wanted: object) -> ModelError:
    return ModelError(f"its {kind} are {seen}, not {wanted}", where=MODEL_FILE, next_step="")


def _nothing_known(schema: Schema) -> Tensors:
    """One row of missing values: every model must be able to answer it."""
    return encode_columns(schema, {name: [None] for name in schema.features})


def _unusable(folder: Path, problem: str) -> ModelError:
    return ModelError(
        f"the graph cannot be used: {problem}",
        where=str(folder / MODEL_FILE),
        next_step="export the model again (`dvc repro train@MODEL`)",
    )
