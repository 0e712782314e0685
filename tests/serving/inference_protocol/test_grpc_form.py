"""Requests and answers as messages: typed, raw, and neither."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.errors import CellError, RequestError
from pipelines.serving.inference_protocol.datatypes import unpack_strings
from pipelines.serving.inference_protocol.generated import open_inference_pb2 as pb
from pipelines.serving.inference_protocol.grpc_form import read_inputs, write_answer
from pipelines.serving.inference_protocol.inputs import Given
from tests.serving import graphs


def request(datatype: str, field: str | None = None, values: Any = (), **more: Any) -> Any:
    made = pb.ModelInferRequest(model_name="flights", id="7", **more)
    given = made.inputs.add(name="a", datatype=datatype, shape=[2, 1])
    if field is not None:
        getattr(given.contents, field).extend(values)
    return made


@pytest.mark.parametrize(
    ("datatype", "field", "values"),
    [
        ("BOOL", "bool_contents", [True, False]),
        ("INT8", "int_contents", [1, -1]),
        ("INT16", "int_contents", [1, -1]),
        ("INT32", "int_contents", [1, -(2**31)]),
        ("INT64", "int64_contents", [1, -(2**63)]),
        ("UINT8", "uint_contents", [1, 2]),
        ("UINT16", "uint_contents", [1, 2]),
        ("UINT32", "uint_contents", [1, 2**32 - 1]),
        ("UINT64", "uint64_contents", [1, 2**64 - 1]),
        ("FP32", "fp32_contents", [1.5, 2.5]),
        ("FP64", "fp64_contents", [1.1, 2.2]),
    ],
)
def test_typed_values_come_from_the_field_of_their_type(
    datatype: str, field: str, values: list[Any]
) -> None:
    assert read_inputs(request(datatype, field, values)) == [Given("a", datatype, [2, 1], values)]


def test_strings_come_as_bytes() -> None:
    [given] = read_inputs(request("BYTES", "bytes_contents", ["Zürich".encode(), b""]))

    assert given.content == ["Zürich", ""]


def test_raw_values_are_handed_on_as_they_are() -> None:
    [given] = read_inputs(request("FP64", raw_input_contents=[b"x" * 16]))

    assert given.content == b"x" * 16


def test_values_in_the_field_of_another_type_are_not_there() -> None:
    [given] = read_inputs(request("FP64", "fp32_contents", [1.0, 2.0]))

    assert given.content == []


@pytest.mark.parametrize("datatype", ["FP16", "BF16", "", "nothing", "x" * 1000])
def test_a_type_without_a_field_has_to_come_raw(datatype: str) -> None:
    with pytest.raises(CellError, match="have no field of their own") as caught:
        read_inputs(request(datatype))

    assert caught.value.column == "a"
    assert len(str(caught.value)) < 200


def test_strings_that_are_not_utf8_are_refused() -> None:
    with pytest.raises(CellError, match="not UTF-8") as caught:
        read_inputs(request("BYTES", "bytes_contents", [b"\xff"]))

    assert caught.value.column == "a"


@pytest.mark.parametrize("count", [2, 3])
def test_raw_and_typed_are_not_mixed(count: int) -> None:
    with pytest.raises(RequestError, match=f"{count} of them for 1 inputs") as caught:
        read_inputs(request("FP64", raw_input_contents=[b""] * count))

    assert caught.value.status == 422


def test_an_answer_is_raw(tmp_path: Path) -> None:
    model = graphs.model(tmp_path / "model", graphs.WORDS)
    outputs = {
        "probabilities": np.array([[0.25, 0.5, 0.25]]),
        "label": np.array(["hüge"], dtype=np.object_),
    }
    told = write_answer(model, request("FP64"), outputs)

    assert (told.model_name, told.model_version, told.id) == ("flights", "v3", "7")
    assert [(one.name, one.datatype, list(one.shape)) for one in told.outputs] == [
        ("probabilities", "FP64", [1, 3]),
        ("label", "BYTES", [1]),
    ]
    assert np.frombuffer(told.raw_output_contents[0]).tolist() == [0.25, 0.5, 0.25]
    assert unpack_strings(told.raw_output_contents[1], 1, "label") == ["hüge"]


def test_only_the_wanted_outputs_are_answered(tmp_path: Path) -> None:
    model = graphs.model(tmp_path / "model")
    outputs = {"probability": np.array([0.5]), "label": np.array([1])}
    wanted = request("FP64")
    wanted.outputs.add(name="label")
    told = write_answer(model, wanted, outputs)
    assert [one.name for one in told.outputs] == ["label"]
    assert len(told.raw_output_contents) == 1

    wanted.outputs.add(name="nothing")
    with pytest.raises(RequestError, match="no output 'nothing'"):
        write_answer(model, wanted, outputs)


def test_values_beside_the_raw_ones_are_refused() -> None:
    for _ in range(2):  # nor is it remembered that such a form was seen
        twice = request("FP64", "fp64_contents", [1.0, 2.0], raw_input_contents=[b"x" * 16])
        with pytest.raises(CellError, match="has contents beside the raw ones") as caught:
            read_inputs(twice)
        assert caught.value.column == "a"
