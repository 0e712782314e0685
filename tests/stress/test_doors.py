"""The doors: what goes in by the row, and what an answer may look like."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from pipelines.inference.encode import encode_rows
from pipelines.schema import Schema
from pipelines.serving.inference_protocol.generated import open_inference_pb2 as pb
from pipelines.serving.inference_protocol.grpc_form import read_inputs
from pipelines.serving.inference_protocol.inputs import tensors_of
from pipelines.serving.inference_protocol.rest_form import read_request
from pipelines.serving.rows_json import read_rows
from pipelines.stress.doors import DOORS, Answer

PREDICT = DOORS["predict"]
SCHEMA = Schema(("distance", "wind_speed"), ("carrier",), "late")
IMAGES = Schema(("p0", "p1"), (), "digit", task="multiclass", classes=("0", "1"), image=(1, 2, 1))
ROW = {"distance": 3.5, "wind_speed": None, "carrier": "Zürich"}
PIXELS = {"p0": 7.0, "p1": 255.0}


@pytest.mark.parametrize(("schema", "row"), [(SCHEMA, ROW), (IMAGES, PIXELS)])
def test_both_forms_of_the_protocol_hold_the_row(schema: Schema, row: dict[str, Any]) -> None:
    wanted = encode_rows(schema, [row])
    by_rest = read_request(DOORS["v2"].body(schema, "m", row), None)
    message = DOORS["grpc"].body(schema, "m", row)
    by_grpc = pb.ModelInferRequest.FromString(message)
    assert by_grpc.model_name == "m"
    for inputs in (by_rest.inputs, read_inputs(by_grpc)):
        tensors = tensors_of(schema, inputs, 1)
        assert tensors.keys() == wanted.keys()
        for name, values in wanted.items():
            np.testing.assert_array_equal(tensors[name], values)


def test_answers_of_the_protocol_are_read() -> None:
    told = [
        {"name": "label", "datatype": "INT64", "shape": [1], "data": [1]},
        {"name": "probability", "datatype": "FP64", "shape": [1], "data": [0.25]},
    ]
    content = {"model_name": "flights", "model_version": "v3", "outputs": told}
    assert DOORS["v2"].read(json.dumps(content).encode()) == Answer("flights", "v3", [0.25])

    message = pb.ModelInferResponse(model_name="flights", model_version="v3")
    message.outputs.add(name="probability", datatype="FP64", shape=[1])
    message.raw_output_contents.append(np.array([0.25]).tobytes())
    assert DOORS["grpc"].read(message.SerializeToString()) == Answer("flights", "v3", [0.25])


@pytest.mark.parametrize(
    ("door", "content"),
    [
        ("v2", b"{}"),
        ("v2", b'{"model_name": "m", "model_version": "v1", "outputs": []}'),
        ("grpc", b"\xff\xff"),
        ("grpc", b""),
    ],
)
def test_what_is_no_answer_of_the_protocol_is_a_value_error(door: str, content: bytes) -> None:
    with pytest.raises(ValueError, match="not a prediction"):
        DOORS[door].read(content)


def test_a_body_is_what_the_server_reads() -> None:
    row = {"carrier": "Zürich", "wind_speed": None, "distance": 3.5}

    assert read_rows(PREDICT.body(SCHEMA, "flights", row), 1) == [row]


def test_a_row_that_is_no_json_is_not_sent() -> None:
    with pytest.raises(ValueError, match="JSON"):
        PREDICT.body(SCHEMA, "flights", {"distance": float("nan")})


@pytest.mark.parametrize(
    ("answer", "scores"),
    [
        ({"probabilities": [0.25], "labels": [0]}, [0.25]),
        ({"probabilities": [[0.25, 0.75]], "labels": ["b"]}, [0.25, 0.75]),
        ({"values": [12]}, [12.0]),
    ],
)
def test_every_task_is_read(answer: dict[str, object], scores: list[float]) -> None:
    content = json.dumps({"model": "flights", "version": "v3", **answer}).encode()

    assert PREDICT.read(content) == Answer("flights", "v3", scores)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"[]",
        b"3",
        b"{}",
        b'{"values": [1]}',
        b'{"model": "m", "version": "v1", "values": []}',
        b'{"model": "m", "version": "v1", "values": [1, 2]}',
        b'{"model": "m", "version": "v1", "values": [null]}',
        b'{"model": "m", "version": "v1", "values": ["x"]}',
        b'{"model": "m", "version": "v1", "values": 1}',
    ],
)
def test_what_is_no_answer_is_a_value_error(content: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        PREDICT.read(content)
