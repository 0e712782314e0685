"""A classifier of images, watched from its log: pixels in, a few measurements compared."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import DoubleTensorType
from skl2onnx.sklapi import CastTransformer
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from pipelines.inference.session import ModelSession
from pipelines.monitoring.baseline import HOLDOUT, REFERENCE, VersionFiles
from pipelines.monitoring.check import Live, check
from pipelines.monitoring.labelled import Logs
from pipelines.predictions.log import PredictionLog
from pipelines.predictions.record import Answered, AnsweredRequest
from pipelines.schema import NUMBERS, Schema
from pipelines.signature import MODEL_FILE, Signature, digest
from pipelines.state import store
from pipelines.verdicts import Outcome
from tests.monitoring.factories import NOON, POLICY, settings

CLASSES = tuple("0123456789")
SCHEMA = Schema(
    numbers=tuple(f"p{place}" for place in range(64)),
    categories=(),
    target="digit",
    task="multiclass",
    classes=CLASSES,
    image=(8, 8, 1),
)
PIXELS, DIGITS = load_digits(return_X_y=True)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> VersionFiles:
    folder = tmp_path_factory.mktemp("digits")
    model = make_pipeline(CastTransformer(np.float32), LogisticRegression(max_iter=300, C=0.01))
    model.fit(PIXELS[:600], DIGITS[:600])
    graph = convert_sklearn(
        model,
        initial_types=[(NUMBERS, DoubleTensorType([None, 64]))],
        options={id(model.steps[-1][1]): {"zipmap": False}},
    )
    (folder / MODEL_FILE).write_bytes(graph.SerializeToString())
    Signature("digits", "logistic", SCHEMA, digest(folder / MODEL_FILE), {}).write(folder)
    frame = pd.DataFrame(PIXELS, columns=list(SCHEMA.numbers)).assign(digit=DIGITS)
    frame.iloc[:600].to_parquet(folder / REFERENCE)
    frame.iloc[600:1200].to_parquet(folder / HOLDOUT)
    return VersionFiles("digits@v1", folder, folder)


def outcome_of(files: VersionFiles, pixels: np.ndarray, folder: Path, engine: sa.Engine) -> str:
    """The verdict on a day of such images, in words."""
    session = ModelSession.open(files.model)
    log = PredictionLog.open(folder / "log", SCHEMA, POLICY, None)
    answered = session.predict({NUMBERS: pixels})
    names = np.array(CLASSES, dtype=object)[answered.labels]
    outputs = {"probabilities": answered.scores, "label": names}
    at = int((NOON - DAY / 2 - DAY / 4).timestamp()) * 10**9
    tensors = {NUMBERS: pixels}
    request = AnsweredRequest("r1", at, "rest", False, 900, len(pixels))
    log.offer(Answered(files.name, [request], tensors, outputs))
    log.close(30)
    chosen = settings(monitor={"persistence": [1, 1]})
    live = Live("digits", files, NOON - DAY, chosen, chosen)
    [found] = check(engine, live, Logs(folder / "log", folder / "no"), folder / "m", NOON)
    assert found.record.rows == len(pixels)
    return f"{found.record.verdict.outcome.value}: {found.record.verdict.reason}"


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    return store.connect(tmp_path / "state.db")


def test_the_same_kind_of_images_passes(
    digits: VersionFiles, engine: sa.Engine, tmp_path: Path
) -> None:
    said = outcome_of(digits, PIXELS[1200:], tmp_path, engine)
    assert said.startswith(Outcome.PASSED.value), said


def test_darker_images_alarm_by_what_was_measured(
    digits: VersionFiles, engine: sa.Engine, tmp_path: Path
) -> None:
    said = outcome_of(digits, PIXELS[1200:] * 0.6, tmp_path, engine)
    assert said.startswith(Outcome.FAILED.value), said
    assert "image br" in said
