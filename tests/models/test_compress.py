"""Compressed graphs: smaller, nearly the same answers, the same bytes, or refused with a reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipelines.errors import ModelError
from pipelines.files import read_json
from pipelines.frames import features, labels, tensors
from pipelines.inference.session import ModelSession
from pipelines.models.base import Training, last
from pipelines.models.compress import compress
from pipelines.models.mlp import Mlp
from pipelines.models.tabular import Tabular
from pipelines.signature import (
    MODEL_FILE,
    TRAINING_FILE,
    UNCOMPRESSED_FOLDER,
    Signature,
    digest,
)
from pipelines.verdicts import Outcome
from tests.models.test_families import fit
from tests.small import SCHEMA, table, trained
from tests.test_judging import decide, part

FRAME = table(2000)
ROWS = tensors(FRAME.head(300), SCHEMA)


@pytest.fixture(scope="module")
def wide() -> bytes:
    """A network whose weights are most of its file."""
    given = Training(
        features(FRAME, SCHEMA),
        labels(FRAME, SCHEMA),
        SCHEMA,
        {"hidden": 4000, "max_iter": 2},
        seed=1,
    )
    fitted = last(Mlp().fit(given))
    assert isinstance(fitted, Tabular)
    return fitted.to_onnx("shop")


def _answers(graph: bytes, folder: Path) -> np.ndarray:
    folder.mkdir(exist_ok=True)
    (folder / MODEL_FILE).write_bytes(graph)
    Signature("shop", "mlp", SCHEMA, digest(folder / MODEL_FILE), {}).write(folder)
    return ModelSession.open(folder).predict(ROWS).scores


@pytest.mark.parametrize(
    ("kind", "share", "off"),
    [("dynamic_int8", 0.35, 0.05), ("static_int8", 0.45, 0.05), ("fp16", 0.6, 0.005)],
)
def test_it_is_smaller_and_answers_nearly_alike(
    kind: str, share: float, off: float, wide: bytes, tmp_path: Path
) -> None:
    small = compress(kind, wide, ROWS, "mlp")
    assert len(small) < share * len(wide)
    apart = np.abs(_answers(small, tmp_path / "small") - _answers(wide, tmp_path / "wide")).max()
    assert 0 < apart < off
    assert compress(kind, wide, ROWS, "mlp") == small


def test_trees_have_nothing_to_compress() -> None:
    graph = fit("hist_gradient_boosting", FRAME).to_onnx("shop")
    with pytest.raises(ModelError, match="no layers of weights") as caught:
        compress("dynamic_int8", graph, ROWS, "hist_gradient_boosting")
    assert caught.value.where == "params.yaml: train.compress"
    assert caught.value.next_step == "set it to none"


def test_a_graph_that_would_not_get_smaller_is_refused() -> None:
    graph = fit("logistic", FRAME).to_onnx("shop")
    with pytest.raises(ModelError, match=r"no layers of weights|did not get smaller"):
        compress("dynamic_int8", graph, ROWS, "logistic")


def test_through_training_and_the_gate(tmp_path: Path) -> None:
    paths, known = trained(
        tmp_path,
        table(),
        params={"hidden": 900, "max_iter": 20},
        train={"family": "mlp", "compress": "dynamic_int8"},
    )
    said = read_json(paths.artifact / TRAINING_FILE)
    assert said["compress"] == "dynamic_int8"
    assert said["parity_rows"] > 1000
    before = paths.artifact / UNCOMPRESSED_FOLDER / MODEL_FILE
    assert (paths.artifact / MODEL_FILE).stat().st_size < 0.6 * before.stat().st_size
    verdict = decide((paths, known), None)
    found = part(verdict, "compression")
    assert found.outcome is Outcome.PASSED, found.reason
    assert found.evidence["megabytes"]["after"] < found.evidence["megabytes"]["before"]
    assert part(verdict, "skew").outcome is Outcome.PASSED

    # A compression that destroyed the model is refused: here the graph of another one.
    stolen = fit("mlp", table().assign(left=lambda rows: 1 - rows["left"])).to_onnx("shop")
    (paths.artifact / MODEL_FILE).write_bytes(stolen)
    signature = Signature.read(paths.artifact / UNCOMPRESSED_FOLDER)
    replace(signature, sha256=digest(paths.artifact / MODEL_FILE)).write(paths.artifact)
    found = part(decide((paths, known), None), "compression")
    assert found.outcome is Outcome.FAILED, found.reason
