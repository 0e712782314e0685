"""The proof of a bento: it is started once and answers the golden rows as the model did."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines import golden
from pipelines.errors import EvergreenError
from pipelines.inference.answers import distance
from pipelines.inference.columns import encode_batch
from pipelines.inference.encode import Tensors
from pipelines.inference.session import ModelSession
from pipelines.packaging.client import Client, Row
from pipelines.packaging.doors import over_grpc, over_rest
from pipelines.packaging.server import running
from pipelines.packaging.store import bento_path, model_folder
from pipelines.paths import HomePaths
from pipelines.schema import Task
from pipelines.serving.served import rows_of
from pipelines.signature import MODEL_FILE
from pipelines.verdicts import Outcome, Verdict

NAME = "bento"
# The same graph on the same machine: only the way through JSON lies between the two.
SERVING_TOLERANCE = 1e-6
# float64 trees against float32 ones, as the export was allowed to differ.
TRAINING_TOLERANCE = 1e-4
MINIMUM_ROWS = 1000
WARM_UP_ROWS = 50
TIMED_ROWS = 500
LOG_TAIL_BYTES = 4000


@dataclass(frozen=True)
class Answers:
    """The answers to the golden rows (`Fitted.scores`), each as one stage gave them.

    Attributes:
        training: by the training code, before the export.
        onnx: by the exported graph, in this process.
        bento: by the bento, to POST /predict.
        rest, grpc: by the bento, through the doors of the Open Inference Protocol.
    """

    training: NDArray[np.float64]
    onnx: NDArray[np.float64]
    bento: NDArray[np.float64]
    rest: NDArray[np.float64]
    grpc: NDArray[np.float64]


def prove(tag: str, artifact: Path, home: HomePaths, start_seconds: float) -> Verdict:
    """Start the bento once, ask it all golden rows, and hold its answers to the model's.

    Args:
        tag: the bento.
        artifact: the model folder that it was built from, with golden.parquet.
        home: where the bento is stored; the server's log goes to `home.logs`.
        start_seconds: how long it may take to become ready.

    Returns:
        PASSED if every answer is within tolerance; FAILED if one is not, or if the bento carries
        another graph; INCONCLUSIVE with fewer than 1,000 golden rows; ERROR, with the end of the
        server's log, if the bento does not start or stops answering.

    Raises:
        ModelError: `artifact` is not a model folder, or a graph cannot be loaded.
        PackageError: there is no such bento, or the golden rows cannot be read.
        CellError: a golden row cannot be encoded.
    """
    model = ModelSession.open(artifact)
    packaged = ModelSession.open(model_folder(tag, home))
    if packaged.signature != model.signature:
        digests = {"bento": packaged.signature.sha256, "artifact": model.signature.sha256}
        return Verdict(NAME, Outcome.FAILED, "the bento carries another model", digests)
    schema = model.signature.schema
    known = golden.read(artifact, schema)
    tensors = encode_batch(schema, known)
    rows = golden.rows(known, schema)
    evidence: dict[str, Any] = {"tag": tag, "rows": len(rows), **_sizes(tag, home)}
    evidence["onnx_latency_ms"] = _percentiles(_session_milliseconds(model, tensors))
    log = home.logs / f"prove-{tag.replace(':', '-')}.log"
    try:
        bento, served = _serve_and_ask(tag, home, start_seconds, log, _Asked(model, rows, tensors))
    except EvergreenError as error:
        evidence |= {"log": str(log), "log_tail": tail(log)}
        return Verdict(NAME, Outcome.ERROR, str(error), evidence)
    training = golden.answers(known, schema)
    onnx = model.predict(tensors).scores
    return compare(Answers(training, onnx, *bento), evidence | served, schema.task)


@dataclass(frozen=True)
class _Asked:
    """The golden rows, as JSON and as tensors."""

    model: ModelSession
    rows: list[Row]
    tensors: Tensors


def _serve_and_ask(
    tag: str, home: HomePaths, start_seconds: float, log: Path, asked: _Asked
) -> tuple[list[NDArray[np.float64]], dict[str, Any]]:
    """The answers of a bento that runs for as long as this takes, and how fast they came."""
    rows, signature = asked.rows, asked.model.signature
    known = (signature.model, signature.schema, asked.tensors)
    with running(tag, home, start_seconds, log) as server, closing(Client(server)) as client:
        answers = [client.scores(rows), over_rest(server, *known), over_grpc(server, *known)]
        client.milliseconds(_cycle(rows, WARM_UP_ROWS))
        taken = client.milliseconds(_cycle(rows, TIMED_ROWS))
        return answers, {
            "seconds_to_ready": round(server.seconds_to_ready, 2),
            "rest_latency_ms": _percentiles(taken),
        }


def compare(answers: Answers, evidence: dict[str, Any], task: Task = "binary") -> Verdict:
    """Judge three sets of answers to the same rows; NaN is never within tolerance."""
    pairs = {
        "bento_onnx": (answers.bento, answers.onnx, SERVING_TOLERANCE),
        "rest_onnx": (answers.rest, answers.onnx, SERVING_TOLERANCE),
        "grpc_onnx": (answers.grpc, answers.onnx, SERVING_TOLERANCE),
        "onnx_training": (answers.onnx, answers.training, TRAINING_TOLERANCE),
        "bento_training": (answers.bento, answers.training, TRAINING_TOLERANCE),
    }
    differences: dict[str, float | None] = {}
    broken = []
    for name, (left, right, tolerance) in pairs.items():
        if left.shape != right.shape:
            differences[name] = None
            broken.append(f"{name}: {len(left)} answers against {len(right)}")
            continue
        worst = distance(left, right, task)
        differences[name] = worst if np.isfinite(worst) else None
        if not worst <= tolerance:
            broken.append(f"{name}: differs by up to {worst:.3g}, allowed is {tolerance:g}")
    evidence = {**evidence, "max_abs_difference": differences}
    if broken:
        return Verdict(NAME, Outcome.FAILED, "; ".join(broken), evidence)
    if len(answers.bento) < MINIMUM_ROWS:
        reason = f"{len(answers.bento)} golden rows; a proof needs {MINIMUM_ROWS}"
        return Verdict(NAME, Outcome.INCONCLUSIVE, reason, evidence)
    reason = f"{len(answers.bento)} golden rows answered as in training"
    return Verdict(NAME, Outcome.PASSED, reason, evidence)


def tail(log: Path) -> str:
    """The end of a log; its last lines say why a server did not start."""
    content = log.read_bytes() if log.exists() else b""
    return content[-LOG_TAIL_BYTES:].decode(errors="replace")


def _sizes(tag: str, home: HomePaths) -> dict[str, float]:
    """Megabytes (10**6 bytes) of the graph, and of the bento as a whole."""
    files = [path for path in bento_path(tag, home).rglob("*") if path.is_file()]
    graph = model_folder(tag, home) / MODEL_FILE
    return {
        "model_megabytes": graph.stat().st_size / 1e6,
        "bento_megabytes": sum(path.stat().st_size for path in files) / 1e6,
    }


def _session_milliseconds(
    model: ModelSession, tensors: dict[str, NDArray[Any]]
) -> NDArray[np.float64]:
    count = rows_of(tensors)
    taken = []
    for index in range(WARM_UP_ROWS + TIMED_ROWS):
        row = {name: tensor[index % count, None] for name, tensor in tensors.items()}
        started = time.perf_counter()
        model.predict(row)
        taken.append((time.perf_counter() - started) * 1e3)
    return np.asarray(taken[WARM_UP_ROWS:])


def _cycle(rows: list[Row], count: int) -> list[Row]:
    return [rows[index % len(rows)] for index in range(count)]


def _percentiles(milliseconds: NDArray[np.float64]) -> dict[str, float]:
    p50, p99 = np.percentile(milliseconds, [50, 99])
    return {"p50": round(float(p50), 4), "p99": round(float(p99), 4)}
