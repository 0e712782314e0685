"""The model folder: what is served, what it was made from, and the rows that hold it to training.

A graph is written only after it was held to the trained model that it came from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from pipelines.files import replacing, write_parquet
from pipelines.frames import features, tensors
from pipelines.inference.session import ModelSession
from pipelines.models import golden, parity
from pipelines.models.base import Fitted, Scores
from pipelines.models.compress import compress
from pipelines.paths import ModelPaths
from pipelines.schema import Schema
from pipelines.settings import TrainSettings
from pipelines.signature import GOLDEN_FILE, MODEL_FILE, UNCOMPRESSED_FOLDER, Signature, digest

_CALIBRATION_ROWS = 500


@dataclass(frozen=True)
class Parity:
    """How far graphs are from the models that they came from.

    Attributes:
        worst: by kind of row, over all graphs; see `parity.differences`.
        rows: how many were asked, of all graphs together.
    """

    worst: dict[str, float]
    rows: int


def write(
    paths: ModelPaths,
    chosen: TrainSettings,
    fitted: Fitted,
    student: Fitted | None,
    known: pd.DataFrame,
    schema: Schema,
) -> Parity:
    """Write graphs, signatures and golden rows.

    Args:
        paths: of the model; `paths.artifact` is empty.
        chosen: how it was trained, and whether it is compressed.
        fitted: the trained model.
        student: what it has taught, and what is served in its place; None without one.
        known: the rows that it was trained on.
        schema: their columns.

    Raises:
        ModelError: a graph cannot be run, differs from its model by more than is allowed, or
            cannot be compressed as asked.
    """
    writer = _Writer(paths, chosen, known, schema)
    if chosen.compress == "none":
        made = writer.proved(fitted, paths.artifact)
        writer.golden(writer.trained_answers(fitted))
        return made
    # Before it is compressed the graph must be the model; afterwards the gate compares the two.
    before = paths.artifact / UNCOMPRESSED_FOLDER
    made = writer.proved(fitted, before)
    if student is not None:
        own = writer.proved(student, paths.artifact)
        writer.golden(writer.trained_answers(student))
        worst = {kind: max(value, own.worst[kind]) for kind, value in made.worst.items()}
        return Parity(worst, made.rows + own.rows)
    writer.quantised((before / MODEL_FILE).read_bytes())
    writer.golden(writer.served_answers())
    return made


class _Writer:
    """Writes graphs that are made from the same rows."""

    def __init__(
        self, paths: ModelPaths, chosen: TrainSettings, known: pd.DataFrame, schema: Schema
    ) -> None:
        self._paths = paths
        self._chosen = chosen
        self._schema = schema
        self._signature = _unsigned(paths.model, chosen.family, known, schema)
        self._cases = parity.cases(known, schema, chosen.seed)
        self._rows = golden.rows_of(known, schema, chosen.golden_rows, chosen.seed)

    def proved(self, fitted: Fitted, folder: Path) -> Parity:
        """Write the graph of a trained model, and hold it to that model."""
        self._graph(folder, fitted.to_onnx(self._paths.model))
        print("holding the exported graph to the trained model", flush=True)
        worst = parity.differences(fitted, ModelSession.open(folder), self._cases)
        parity.require(worst, self._chosen.parity_tolerance, self._paths.model)
        return Parity(worst, sum(len(frame) for frame in self._cases.values()))

    def quantised(self, exported: bytes) -> None:
        """Write what is served: the exported graph with smaller numbers."""
        print(f"compressing it to {self._chosen.compress}", flush=True)
        asked = tensors(self._cases["ordinary"].head(_CALIBRATION_ROWS), self._schema)
        small = compress(self._chosen.compress, exported, asked, self._chosen.family)
        self._graph(self._paths.artifact, small)

    def trained_answers(self, fitted: Fitted) -> Scores:
        """Of training code, on the golden rows."""
        return fitted.scores(features(self._rows, self._schema))

    def served_answers(self) -> Scores:
        """Of the graph that is served: numbers made smaller answer a little otherwise."""
        session = ModelSession.open(self._paths.artifact)
        return session.predict(tensors(self._rows, self._schema)).scores

    def golden(self, expected: Scores) -> None:
        """Write the golden rows with these answers."""
        answered = golden.with_answers(self._rows, expected, self._schema)
        write_parquet(answered, self._paths.artifact / GOLDEN_FILE)

    def _graph(self, folder: Path, graph: bytes) -> None:
        """Write a graph, and the signature with its digest."""
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / MODEL_FILE) as temporary:
            temporary.write_bytes(graph)
        replace(self._signature, sha256=digest(folder / MODEL_FILE)).write(folder)


def _unsigned(model: str, family: str, known: pd.DataFrame, schema: Schema) -> Signature:
    """The signature of any graph that is made from these rows, without a digest."""
    inputs = features(known, schema)
    return Signature(
        model=model,
        family=family,
        schema=schema,
        sha256="",
        categories_seen={name: sorted(set(inputs[name]) - {""}) for name in schema.categories},
    )
