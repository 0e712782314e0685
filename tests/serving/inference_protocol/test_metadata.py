"""What the protocol tells of a model."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.serving.inference_protocol.metadata import (
    inputs_of,
    model_metadata,
    names_version,
    server_metadata,
)
from tests.serving import graphs


def test_a_table_has_an_input_for_each_column(tmp_path: Path) -> None:
    assert model_metadata(graphs.model(tmp_path / "model")) == {
        "name": "flights",
        "versions": ["v3"],
        "platform": "onnxruntime_onnx",
        "inputs": [
            {"name": "a", "datatype": "FP64", "shape": [-1, 1]},
            {"name": "b", "datatype": "FP64", "shape": [-1, 1]},
            {"name": "city", "datatype": "BYTES", "shape": [-1, 1]},
        ],
        "outputs": [
            {"name": "probability", "datatype": "FP64", "shape": [-1]},
            {"name": "label", "datatype": "INT64", "shape": [-1]},
        ],
    }


def test_images_are_one_input_and_classes_the_width_of_an_output(tmp_path: Path) -> None:
    told = model_metadata(graphs.model(tmp_path / "model", graphs.GREY))

    assert inputs_of(graphs.GREY) == [("image", "FP32", [-1, 2, 3, 1])]
    assert told["outputs"][0] == {"name": "probabilities", "datatype": "FP64", "shape": [-1, 2]}


def test_binary_tensors_are_announced() -> None:
    assert server_metadata("v3") == {
        "name": "evergreen",
        "version": "v3",
        "extensions": ["binary_tensor_data"],
    }


@pytest.mark.parametrize(
    ("asked", "is_known"),
    [("", True), ("v3", True), ("3", True), ("v2", False), ("2", False), ("vv3", False)],
)
def test_a_version_may_be_named_by_its_number(asked: str, is_known: bool, tmp_path: Path) -> None:
    assert names_version(asked, graphs.model(tmp_path / "model")) is is_known
