"""The two forms of a request over HTTP: JSON, and JSON with bytes behind it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import CellError, RequestError
from pipelines.serving.inference_protocol.datatypes import unpack_strings
from pipelines.serving.inference_protocol.inputs import Given
from pipelines.serving.inference_protocol.rest_form import (
    InferRequest,
    pack,
    read_request,
    write_answer,
)
from pipelines.serving.served import Output
from tests.serving import graphs

A = {"name": "a", "shape": [1, 1], "datatype": "FP64"}


def body(*inputs: dict[str, Any], tail: bytes = b"", **more: Any) -> tuple[bytes, bytes]:
    """A body in the binary form, and the length of its JSON."""
    head = json.dumps({"inputs": list(inputs), **more}).encode()
    return head + tail, str(len(head)).encode()


def sized(name: str, size: object) -> dict[str, Any]:
    return {**A, "name": name, "parameters": {"binary_data_size": size}}


def test_json_is_read_as_it_stands() -> None:
    content, _ = body({**A, "data": [1.5]}, id="7", parameters={"x": 1})

    assert read_request(content, None) == InferRequest(
        "7", [Given("a", "FP64", [1, 1], [1.5])], None, False
    )


def test_bytes_are_dealt_out_in_the_order_of_the_inputs() -> None:
    inputs = [sized("a", 3), {**A, "name": "b", "data": [2]}, sized("c", 0), sized("d", 2)]
    content, length = body(*inputs, tail=b"aaadd")
    found = read_request(content, length).inputs

    assert [given.content for given in found] == [b"aaa", [2], b"", b"dd"]


@pytest.mark.parametrize(
    "length", [b"", b"-1", b"+1", b" 1", b"1e1", b"0x1", b"1_0", "²".encode(), b"9" * 19, b"99999"]
)
def test_a_length_that_is_none_is_refused(length: bytes) -> None:
    content, _ = body({**A, "data": [1]})

    with pytest.raises(RequestError, match="inference-header-content-length") as caught:
        read_request(content, length)
    assert caught.value.status == 400


def test_a_length_that_cuts_the_json_is_refused() -> None:
    content, length = body({**A, "data": [1]})

    with pytest.raises(RequestError, match="not JSON"):
        read_request(content, str(int(length) - 1).encode())


@pytest.mark.parametrize("size", [-1, 4, 2**63, 1.0, "3", True, None, [3], {}])
def test_a_size_that_is_none_is_refused_by_name(size: object) -> None:
    content, length = body(sized("a", size), tail=b"aaa")

    with pytest.raises(CellError, match=r"binary_data_size|no data") as caught:
        read_request(content, length)
    assert caught.value.column == "a"


def test_the_second_of_two_sizes_counts_from_the_end_of_the_first() -> None:
    content, length = body(sized("a", 2), sized("b", 2), tail=b"aaa")

    with pytest.raises(CellError, match="within the 1 bytes left") as caught:
        read_request(content, length)
    assert caught.value.column == "b"


def test_bytes_that_belong_to_no_input_are_refused() -> None:
    content, length = body(sized("a", 2), tail=b"aabbb")

    with pytest.raises(RequestError, match="3 bytes belong to no input") as caught:
        read_request(content, length)
    assert caught.value.status == 422


def test_binary_sizes_without_the_header_are_refused() -> None:
    with pytest.raises(CellError, match="within the 0 bytes left"):
        read_request(body(sized("a", 8))[0], None)


def test_an_input_without_data_is_named() -> None:
    with pytest.raises(CellError, match="the input has no data") as caught:
        read_request(body({**A, "name": "x" * 1000})[0], None)

    assert caught.value.column == "x" * 80


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"inputs": None},
        {"inputs": {}},
        {"inputs": [1]},
        {"inputs": [{}]},
        {"inputs": [{**A, "data": 1}]},
        {"inputs": [{**A, "data": {"0": 1}}]},
        {"inputs": [{**A, "shape": [1.5], "data": [1]}]},
        {"inputs": [{**A, "shape": "1", "data": [1]}]},
        {"inputs": [{**A, "shape": [2**70], "data": [1]}]},
        {"inputs": [{**A, "name": 1, "data": [1]}]},
        {"inputs": [{**A, "data": [1], "parameters": []}]},
        {"inputs": [], "id": 7},
        {"inputs": [], "outputs": [{}]},
        {"inputs": [], "outputs": "label"},
        {"inputs": [], "parameters": 1},
    ],
    ids=range(16),
)
def test_json_of_another_shape_is_unacceptable(content: Any) -> None:
    try:
        request = read_request(json.dumps(content).encode(), None)
    except RequestError as error:
        assert error.status == 422
        assert "$" in error.problem or "`inputs`" in error.problem
    else:
        # An integer of any size is a shape; which one it has to be is decided later.
        assert request.inputs[0].shape == [2**70]


@given(st.binary(max_size=60), st.none() | st.integers(0, 70).map(lambda n: str(n).encode()))
def test_any_bytes_are_read_or_refused(content: bytes, length: bytes | None) -> None:
    try:
        read_request(content, length)
    except RequestError as error:
        assert error.status in (400, 422)


@pytest.mark.parametrize(
    ("outputs", "parameters", "wanted", "is_binary"),
    [
        (None, {}, None, False),
        ([], {"binary_data_output": True}, None, True),
        ([{"name": "label"}], {}, [("label", False)], False),
        ([{"name": "label"}], {"binary_data_output": True}, [("label", True)], True),
        (
            [{"name": "label", "parameters": {"binary_data": False}}, {"name": "label"}],
            {"binary_data_output": True},
            [("label", False), ("label", True)],
            True,
        ),
    ],
)
def test_outputs_are_binary_where_that_is_asked_for(
    outputs: Any, parameters: Any, wanted: Any, is_binary: bool
) -> None:
    content, _ = body({**A, "data": [1]}, outputs=outputs, parameters=parameters)
    request = read_request(content, None)

    assert (request.wanted, request.is_binary) == (wanted, is_binary)


OUTPUTS = {
    "probabilities": np.array([[0.25, 0.5, 0.25], [1.0, 0.0, 0.0]]),
    "label": np.array(["mid", "hüge"], dtype=np.object_),
}


def answered(folder: Path, wanted: list[tuple[str, bool]] | None, is_binary: bool = False) -> Any:
    model = graphs.model(folder, graphs.WORDS)
    content, length = write_answer(model, InferRequest("7", [], wanted, is_binary), OUTPUTS)
    return json.loads(content[:length]), b"" if length is None else content[length:], length


def test_an_answer_in_json_is_flat(tmp_path: Path) -> None:
    answer, tail, length = answered(tmp_path / "model", None)

    assert (tail, length) == (b"", None)
    assert answer == {
        "model_name": "flights",
        "model_version": "v3",
        "id": "7",
        "outputs": [
            {
                "name": "probabilities",
                "datatype": "FP64",
                "shape": [2, 3],
                "data": [0.25, 0.5, 0.25, 1.0, 0.0, 0.0],
            },
            {"name": "label", "datatype": "BYTES", "shape": [2], "data": ["mid", "hüge"]},
        ],
    }


def test_a_binary_answer_says_where_each_output_ends(tmp_path: Path) -> None:
    answer, tail, _ = answered(tmp_path / "model", None, is_binary=True)
    sizes = [output["parameters"]["binary_data_size"] for output in answer["outputs"]]

    assert sum(sizes) == len(tail)
    assert np.frombuffer(tail[: sizes[0]]).tolist() == OUTPUTS["probabilities"].ravel().tolist()
    assert unpack_strings(tail[sizes[0] :], 2, "label") == ["mid", "hüge"]
    assert not any("data" in output for output in answer["outputs"])


def test_one_output_may_be_binary_and_another_not(tmp_path: Path) -> None:
    answer, tail, _ = answered(tmp_path / "model", [("label", False), ("probabilities", True)])

    assert [output["name"] for output in answer["outputs"]] == ["label", "probabilities"]
    assert answer["outputs"][0]["data"] == ["mid", "hüge"]
    assert len(tail) == 48


def test_an_output_that_the_model_has_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no output 'nothing'") as caught:
        answered(tmp_path / "model", [("nothing", False)])

    assert "probabilities, label" in caught.value.next_step


def test_labels_are_packed_as_eight_bytes() -> None:
    assert pack(Output("label", "INT64"), np.array([1, 0])) == b"\x01" + b"\0" * 15


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({**A, "data": "AAAAAAAA8D8="}, "its data is no list"),
        ({**sized("a", 8), "data": "AAAAAAAA8D8="}, "its data is no list"),
        ({**sized("a", 8), "data": [1]}, "the input has data in JSON and in binary"),
        (A, "the input has no data"),
    ],
)
def test_an_input_has_its_data_once_and_as_a_list(given: dict[str, Any], problem: str) -> None:
    content, length = body(given, tail=b"x" * 8)
    with pytest.raises(CellError, match=problem) as caught:
        read_request(content, length)
    assert caught.value.column == "a"


@pytest.mark.parametrize("value", ["false", 0, None, [True]])
def test_what_is_neither_true_nor_false_is_refused(value: object) -> None:
    for more in (
        {"parameters": {"binary_data_output": value}},
        {"outputs": [{"name": "label", "parameters": {"binary_data": value}}]},
    ):
        content, _ = body({**A, "data": [1.5]}, **more)
        with pytest.raises(RequestError, match="is neither true nor false"):
            read_request(content, None)
