"""Opening model folders, good ones and all kinds of broken ones."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipelines.errors import ModelError
from pipelines.inference.columns import encode_batch
from pipelines.inference.encode import encode_rows
from pipelines.inference.session import ModelSession
from pipelines.serving import release
from pipelines.signature import (
    GOLDEN_ANSWER,
    GOLDEN_FILE,
    MODEL_FILE,
    SIGNATURE_FILE,
    Signature,
    digest,
)


@pytest.fixture
def folder(artifact: Path, tmp_path: Path) -> Path:
    return shutil.copytree(artifact, tmp_path / "model")


@pytest.mark.parametrize("threads", [1, 2])
def test_the_graph_answers_as_training_did(artifact: Path, threads: int) -> None:
    model = ModelSession.open(artifact, threads)
    golden = pq.read_table(artifact / GOLDEN_FILE).combine_chunks().to_batches()[0]
    prediction = model.predict(encode_batch(model.signature.schema, golden))
    expected = golden.column(GOLDEN_ANSWER).to_numpy()

    assert prediction.scores.dtype == np.float64
    np.testing.assert_allclose(prediction.scores, expected, atol=1e-6, rtol=0)
    np.testing.assert_array_equal(prediction.labels, (expected > 0.5).astype(np.int64))


def test_a_row_of_which_nothing_is_known_is_answered(artifact: Path) -> None:
    model = ModelSession.open(artifact)
    schema = model.signature.schema
    prediction = model.predict(encode_rows(schema, [dict.fromkeys(schema.features)]))

    assert 0 < prediction.scores[0] < 1


def test_a_graph_with_another_digest_is_not_loaded(folder: Path) -> None:
    with (folder / MODEL_FILE).open("ab") as file:
        file.write(b"x")

    with pytest.raises(ModelError, match="the digest is"):
        ModelSession.open(folder)


def test_a_graph_that_is_cut_off_is_refused_even_with_its_own_digest(folder: Path) -> None:
    graph = folder / MODEL_FILE
    graph.write_bytes(graph.read_bytes()[:1000])
    sign(folder)

    with pytest.raises(ModelError, match="the graph cannot be used"):
        ModelSession.open(folder)


def test_a_graph_of_other_columns_than_the_signature_is_refused(folder: Path) -> None:
    schema = Signature.read(folder).schema
    sign(folder, schema=dataclasses.replace(schema, numbers=schema.numbers[:-1]))

    with pytest.raises(ModelError, match="its inputs are"):
        ModelSession.open(folder)


def test_a_folder_without_release_is_no_bento(folder: Path) -> None:
    with pytest.raises(ModelError, match="not a release"):
        release.read(folder)


def sign(folder: Path, **changes: object) -> None:
    """Make the signature fit a graph that a test has changed."""
    path = folder / SIGNATURE_FILE
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**content, "sha256": digest(folder / MODEL_FILE)}))
    dataclasses.replace(Signature.read(folder), **changes).write(folder)


def test_nothing_is_gathered_about_whoever_uses_it(artifact: Path, tmp_path: Path) -> None:
    asked = f"from pathlib import Path; from pipelines.inference.session import ModelSession; \
ModelSession.open(Path({str(artifact)!r}))"
    free = {key: value for key, value in os.environ.items() if "TELEMETRY" not in key}
    code = [sys.executable, "-c", asked]
    subprocess.run(code, env={**free, "HOME": str(tmp_path)}, check=True, timeout=60)
    assert not list(tmp_path.rglob("onnxruntime*"))
