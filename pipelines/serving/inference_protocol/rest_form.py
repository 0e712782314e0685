"""The protocol's requests and answers over HTTP: JSON, and JSON followed by binary tensors.

In the binary form the header `Inference-Header-Content-Length` says how long the JSON is; the
tensors follow it in the order of the inputs, each as long as its `binary_data_size` says.
"""

from __future__ import annotations

from types import NoneType
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipelines.errors import CellError, RequestError
from pipelines.inference.encode import Tensors
from pipelines.serving.inference_protocol.datatypes import BYTES, NUMPY, pack_strings
from pipelines.serving.inference_protocol.inputs import Given, tensors_of
from pipelines.serving.problems import refused
from pipelines.serving.rows_json import parse_as
from pipelines.serving.served import Output, Outputs, Servable

BINARY_SIZE = "binary_data_size"
HEADER_LENGTH = b"inference-header-content-length"
_MEND = "see the model's metadata at /v2/models/NAME"


class _Wanted(msgspec.Struct):
    name: str
    parameters: dict[str, Any] | None = None


class _Request(msgspec.Struct):
    inputs: list[Given]
    id: str | None = None
    parameters: dict[str, Any] | None = None
    outputs: list[_Wanted] | None = None


class InferRequest(msgspec.Struct, frozen=True):
    """A request, taken apart.

    Attributes:
        id: the client's own, which it gets back.
        inputs: what is to be inferred from.
        wanted: the outputs to be answered, each with whether in binary; None for all of them.
        is_binary: whether the answer is to be binary where `wanted` says nothing else.
    """

    id: str | None
    inputs: list[Given]
    wanted: list[tuple[str, bool]] | None
    is_binary: bool


class RestForm:
    """A request to `infer`.

    Args:
        model: who is asked.
        body: as it came.
        header_length: the header `Inference-Header-Content-Length`, if there is one.
    """

    def __init__(self, model: Servable, body: bytes, header_length: bytes | None) -> None:
        self._model = model
        self._body = body
        self._header_length = header_length

    def read(self) -> Tensors:
        """The rows; RequestError or CellError if they cannot be read."""
        self._request = read_request(self._body, self._header_length)
        return tensors_of(self._model.schema, self._request.inputs, self._model.policy.max_rows)

    def write(self, outputs: Outputs) -> tuple[bytes, int | None]:
        """As `write_answer`."""
        return write_answer(self._model, self._request, outputs)


_DECODER = msgspec.json.Decoder(_Request)


def read_request(body: bytes, header_length: bytes | None) -> InferRequest:
    """Take a request apart.

    Args:
        body: as it came.
        header_length: the header `Inference-Header-Content-Length`, if there is one.

    Raises:
        RequestError: 400 or 422; the body is not of either form.
        CellError: an input has no data, or binary data of a wrong size.
    """
    if header_length is None:
        asked, tail = parse_as(body, _DECODER), memoryview(b"")
    else:
        length = _length(header_length, len(body))
        # A view: tensors may be megabytes, and are copied once, each by itself.
        asked, tail = parse_as(body[:length], _DECODER), memoryview(body)[length:]
    place = 0
    for given in asked.inputs:
        size = given.parameters.get(BINARY_SIZE) if given.parameters else None
        if type(given.content) is not (list if size is None else NoneType):
            raise _wrong_data(given)
        if size is not None:
            end = place + _size(size, len(tail) - place, given.name)
            given.content = bytes(tail[place:end])
            place += len(given.content)
    if place != len(tail):
        raise refused(f"{len(tail) - place} bytes belong to no input", "body", _MEND)
    is_binary = _flag(asked.parameters, "binary_data_output", default=False)
    return InferRequest(asked.id, asked.inputs, _wanted(asked.outputs, is_binary), is_binary)


def write_answer(
    model: Servable, asked: InferRequest, outputs: Outputs
) -> tuple[bytes, int | None]:
    """The answer's body, and in the binary form the length of its JSON.

    Raises:
        RequestError: an output is wanted that the model does not have.
    """
    known = {output.name: output for output in model.outputs}
    wanted = asked.wanted or [(name, asked.is_binary) for name in known]
    told, tensors = [], []
    for name, is_binary in wanted:
        if name not in known:
            raise unknown_output(name, model)
        values = outputs[name]
        one: dict[str, Any] = {
            "name": name,
            "datatype": known[name].datatype,
            "shape": values.shape,
        }
        if is_binary:
            packed = pack(known[name], values)
            one["parameters"] = {BINARY_SIZE: len(packed)}
            tensors.append(packed)
        else:
            one["data"] = values.ravel().tolist()
        told.append(one)
    answer: dict[str, Any] = {"model_name": model.name, "model_version": model.version}
    if asked.id is not None:
        answer["id"] = asked.id
    answer["outputs"] = told
    head = msgspec.json.encode(answer)
    if not tensors:
        return head, None
    return b"".join([head, *tensors]), len(head)


def pack(output: Output, values: NDArray[Any]) -> bytes:
    """The values of an output as the protocol's raw bytes."""
    if output.datatype == BYTES:
        return pack_strings(values.ravel().tolist())
    return np.ascontiguousarray(values, NUMPY[output.datatype]).tobytes()


def unknown_output(name: str, model: Servable) -> RequestError:
    """The error of an output that the model does not have, with those that it has."""
    known = ", ".join(output.name for output in model.outputs)
    return refused(f"there is no output {name[:80]!r}", "outputs", f"ask for some of: {known}")


def _length(header: bytes, available: int) -> int:
    if not header.isdigit() or len(header) > 18 or int(header) > available:
        raise refused(
            f"{header[:40]!r} is no length within the body's {available} bytes",
            HEADER_LENGTH.decode(),
            "send the length of the JSON that the body begins with",
            400,
        )
    return int(header)


def _wrong_data(given: Given) -> CellError:
    problem = "the input has no data"
    if type(given.content) is bytes:  # it came as a string, and was taken for base64
        problem = "its data is no list"
    elif given.content is not None:
        problem = "the input has data in JSON and in binary"
    return CellError(
        problem,
        row=None,
        column=given.name[:80],
        next_step=f"send a list as `data`, or binary data and its {BINARY_SIZE}",
    )


def _size(value: Any, available: int, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= available:
        raise CellError(
            f"{BINARY_SIZE} {str(value)[:40]} is no size within the {available} bytes left",
            row=None,
            column=name[:80],
            next_step="send each input's bytes after the JSON, in the order of the inputs",
        )
    return value


def _wanted(outputs: list[_Wanted] | None, is_binary: bool) -> list[tuple[str, bool]] | None:
    if not outputs:
        return None
    return [
        (wanted.name, _flag(wanted.parameters, "binary_data", default=is_binary))
        for wanted in outputs
    ]


def _flag(parameters: dict[str, Any] | None, name: str, *, default: bool) -> bool:
    value = (parameters or {}).get(name, default)
    if not isinstance(value, bool):
        raise refused(f"{str(value)[:40]!r} is neither true nor false", name, "send one of the two")
    return value
