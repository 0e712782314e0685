"""What each way to a smaller network costs and gains, on the 5,000 images of MNIST.

One network a family is trained and made smaller in every way there is; all of it is done for a few
splits of the images, because what one thousand images say of half a point is luck. The same small
network, trained without a teacher, tells what the teacher was good for. Latency is the median of
one row through the session that serves.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipelines import registry
from pipelines.datasets.mnist import PACKAGE, Mnist
from pipelines.frames import features, labels, tensors
from pipelines.inference.session import ModelSession
from pipelines.models.base import Lesson, Training, last
from pipelines.models.compress import compress
from pipelines.models.threads import one_thread
from pipelines.schema import Schema
from pipelines.settings import IngestSettings
from pipelines.settings.stages import DistillationSettings
from pipelines.signature import MODEL_FILE, Signature, digest

HELD_OUT = 1000
PRUNED_SHARE = 0.8
_TIMED_ROWS = 300
_CALIBRATION_ROWS = 500


@dataclass(frozen=True)
class Case:
    """A family, its teacher, its students, and the kind of int8 that is right for it."""

    family: str
    teacher: dict[str, Any]
    students: tuple[dict[str, Any], ...]
    int8: str


# Without dropout, which a small network does not need, and with three times the epochs: a student
# that is stopped early has not heard its teacher out (Beyer et al. 2022).
_PATIENT = {"dropout": 0.0, "epochs": 30}
CASES = (
    Case(
        "keras_mlp",
        {"units": 512},
        ({"units": 64, **_PATIENT, "epochs": 60},),
        "dynamic_int8",
    ),
    Case(
        "keras_cnn",
        {"filters": 16, "units": 128},
        ({"filters": 8, "units": 32, **_PATIENT}, {"filters": 4, "units": 32, **_PATIENT}),
        "static_int8",
    ),
)


@dataclass(frozen=True)
class Measured:
    """One graph on the images that it has not seen."""

    way: str
    megabytes: float
    milliseconds: float
    accuracy: float


def run(splits: int) -> None:
    """Print a table for each family: means over the splits."""
    settings = IngestSettings(dataset="mnist", source=PACKAGE)
    read = Mnist().read(settings)
    frame = pd.concat([part for _, part in read.partitions], ignore_index=True)
    print(f"MNIST, {len(frame):,} images, {HELD_OUT:,} held out, means of {splits} splits")
    for case in CASES:
        found: dict[str, list[Measured]] = {}
        for number in range(splits):
            order = np.random.default_rng(number).permutation(len(frame))
            learned, asked = (
                frame.iloc[places].reset_index(drop=True)
                for places in (order[HELD_OUT:], order[:HELD_OUT])
            )
            for each in _ways(case, learned, asked, read.schema):
                found.setdefault(each.way, []).append(each)
        _print(case, found)


def _ways(
    case: Case, learned: pd.DataFrame, asked: pd.DataFrame, schema: Schema
) -> Iterator[Measured]:
    family = registry.load(registry.MODEL_FAMILIES, case.family)()
    given = Training(
        features(learned, schema), labels(learned, schema), schema, case.teacher, seed=7
    )
    defaults = DistillationSettings()
    lesson = Lesson(defaults.temperature, defaults.teacher_share)
    with one_thread():
        teacher = last(family.fit(given))
        graph = teacher.to_onnx("mnist")
        yield _measured("uncompressed", graph, asked, schema)
        rows = tensors(learned.head(_CALIBRATION_ROWS), schema)
        small = compress(case.int8, graph, rows, case.family)
        yield _measured(f"`{case.int8}`", small, asked, schema)
        pruned = f"{PRUNED_SHARE:.0%} of the weights set to zero"
        yield _measured(pruned, _pruned(graph), asked, schema)
        for student in case.students:
            own = replace(given, params=family.student(given.params, student))
            told = ", ".join(f"{name} {student[name]}" for name in student if name not in _PATIENT)
            alone = last(family.fit(own)).to_onnx("mnist")
            yield _measured(f"{told}: without a teacher", alone, asked, schema)
            taught = last(family.distil(own, teacher, lesson)).to_onnx("mnist")
            yield _measured(f"{told}: `distilled`", taught, asked, schema)


def _pruned(graph: bytes) -> bytes:
    """The smallest weights of every layer set to zero, as magnitude pruning does."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load_from_string(graph)
    for tensor in model.graph.initializer:
        weights = numpy_helper.to_array(tensor)
        if weights.dtype == np.float32 and weights.ndim > 1:
            least = np.quantile(np.abs(weights), PRUNED_SHARE)
            kept = np.where(np.abs(weights) < least, np.float32(0), weights)
            tensor.CopyFrom(numpy_helper.from_array(kept, tensor.name))
    serialized: bytes = model.SerializeToString(deterministic=True)
    return serialized


def _measured(way: str, graph: bytes, asked: pd.DataFrame, schema: Schema) -> Measured:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / MODEL_FILE).write_bytes(graph)
        signature = Signature("mnist", "any", schema, digest(folder / MODEL_FILE), {})
        signature.write(folder)
        session = ModelSession.open(folder)
    rows = tensors(asked, schema)
    scores = session.predict(rows).scores
    taken = []
    for place in range(_TIMED_ROWS):
        one = {name: values[place : place + 1] for name, values in rows.items()}
        started = time.perf_counter()
        session.predict(one)
        taken.append(1000 * (time.perf_counter() - started))
    right = float((scores.argmax(axis=1) == labels(asked, schema)).mean())
    return Measured(way, len(graph) / 1e6, float(np.median(taken)), right)


def _print(case: Case, found: dict[str, list[Measured]]) -> None:
    large = ", ".join(f"{name} {value}" for name, value in case.teacher.items())
    print(f"\n| `{case.family}`, {large} | MB | ms a row | accuracy |")
    print("| --- | --- | --- | --- |")
    for way, several in found.items():
        megabytes, milliseconds, accuracy = (
            float(np.mean([getattr(each, name) for each in several]))
            for name in ("megabytes", "milliseconds", "accuracy")
        )
        print(f"| {way} | {megabytes:.3f} | {milliseconds:.3f} | {accuracy:.4f} |", flush=True)
