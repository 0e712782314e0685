"""Models as the gate sees them: their answers, where they come from, what they cost."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.errors import ModelError
from pipelines.files import read_json
from pipelines.frames import tensors
from pipelines.gates.compression import Compression
from pipelines.gates.evidence import Candidate, Leg
from pipelines.gates.skew import CONVERSION_TOLERANCE, conversion_leg
from pipelines.inference.session import ModelSession
from pipelines.models import golden
from pipelines.models.compress import KINDS as QUANTISED
from pipelines.schema import Schema, Task
from pipelines.settings import ModelSettings
from pipelines.signature import (
    GOLDEN_FILE,
    MODEL_FILE,
    TRAINED_ON_FILE,
    TRAINING_FILE,
    UNCOMPRESSED_FOLDER,
)
from pipelines.statistics.constant import repeated

BASELINE = "baseline"
_TIMED_ROWS = 500


def champion(name: str, folder: Path, frame: pd.DataFrame, ours: Schema) -> Candidate:
    """The live version, asked the challenger's holdout.

    Args:
        name: of the version.
        folder: its model.
        frame: the rows of the holdout.
        ours: the challenger's columns and task.

    Raises:
        ModelError: it answers another question, or needs columns that are gone.
    """
    session = ModelSession.open(folder)
    schema = session.signature.schema
    if (schema.task, schema.classes) != (ours.task, ours.classes):
        raise ModelError(
            f"it answers {_answers(schema)}, and the challenger {_answers(ours)}",
            where=name,
            next_step="give the model with other answers a name of its own in params.yaml",
        )
    missing = sorted(set(schema.features) - set(frame.columns))
    if missing:
        raise ModelError(
            f"it needs columns that the holdout does not have: {', '.join(missing)}",
            where=name,
            next_step="keep them in the data until a version without them is live",
        )
    scores = session.predict(tensors(frame, schema)).scores
    return candidate(name, folder, session.signature.sha256, scores)


def _answers(schema: Schema) -> str:
    return f"{schema.task} {', '.join(schema.classes)}".strip()


def baseline(folder: Path, rows: int, task: Task) -> Candidate:
    """Before the first version, what has to be beaten is to say the same for every row."""
    answer = np.array(read_json(folder / TRAINING_FILE)["constant"], dtype=np.float64)
    constant = hashlib.sha256(f"constant {answer.tolist()!r}".encode()).hexdigest()
    return candidate(BASELINE, folder, constant, repeated(answer, rows, task))


def candidate(name: str, folder: Path, sha256: str, scores: npt.NDArray[np.float64]) -> Candidate:
    """A candidate that learned from what `folder` says."""
    trained = pd.read_parquet(folder / TRAINED_ON_FILE)
    until: str | None = read_json(folder / TRAINING_FILE).get("until")
    return Candidate(
        name=name,
        digest=sha256,
        scores=scores,
        trained_blocks=trained["group"].to_numpy(dtype=str),
        trained_row_hashes=trained["row"].to_numpy(),
        trained_until=np.datetime64(until) if until else None,
    )


def measured(
    candidate: Candidate, session: ModelSession, folder: Path, asked: dict[str, Any]
) -> Candidate:
    """The candidate with the p99 latency of one row (ms) and the size of its file (MB)."""
    taken = []
    for row in range(_TIMED_ROWS):
        place = row % len(candidate.scores)
        one = {name: values[place : place + 1] for name, values in asked.items()}
        started = time.perf_counter()
        session.predict(one)
        taken.append(1000 * (time.perf_counter() - started))
    return replace(
        candidate,
        latency_ms=float(np.percentile(taken, 99)),
        megabytes=(folder / MODEL_FILE).stat().st_size / 1e6,
    )


def before_compression(
    folder: Path, settings: ModelSettings, asked: dict[str, Any]
) -> Compression | None:
    """The challenger before it was compressed, measured as it is; None if it was not."""
    before = folder / UNCOMPRESSED_FOLDER
    if not before.is_dir():
        return None
    session = ModelSession.open(before)
    scores = session.predict(asked).scores
    candidate = Candidate("uncompressed", session.signature.sha256, scores)
    return Compression(settings.train.compress, measured(candidate, session, before, asked))


def conversion(session: ModelSession, folder: Path) -> Leg:
    """From training code to the graph: how far the answers are apart."""
    schema = session.signature.schema
    rows = pd.read_parquet(folder / GOLDEN_FILE)
    said = read_json(folder / TRAINING_FILE)
    if said["compress"] in QUANTISED:
        # Golden rows hold what is served; the conversion was held to training before that.
        worst = max(said["parity"].values())
        return Leg("training", "ONNX", worst, CONVERSION_TOLERANCE, said["parity_rows"])
    exported = session.predict(tensors(rows, schema)).scores
    expected = golden.answers_of(rows, schema)
    return conversion_leg("training", expected, "ONNX", exported, schema.task)
