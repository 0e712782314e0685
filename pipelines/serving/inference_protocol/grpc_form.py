"""The protocol's requests and answers as protocol buffers."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from google.protobuf.message import DecodeError

from pipelines.errors import CellError
from pipelines.inference.encode import Tensors
from pipelines.serving.inference_protocol.datatypes import BYTES
from pipelines.serving.inference_protocol.generated import open_inference_pb2 as pb
from pipelines.serving.inference_protocol.inputs import Given, tensors_of
from pipelines.serving.inference_protocol.metadata import require_model
from pipelines.serving.inference_protocol.rest_form import pack, unknown_output
from pipelines.serving.problems import refused
from pipelines.serving.served import Outputs, Servable

_CONTENTS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    BYTES: "bytes_contents",
}

# What is remembered is small: 64 forms of at most so many bytes.
_REMEMBERED_BYTES = 4096


class GrpcForm:
    """A request to `ModelInfer`.

    Args:
        model: who is asked.
        content: the message's bytes.
    """

    def __init__(self, model: Servable, content: bytes) -> None:
        self._model = model
        self._content = content

    def read(self) -> Tensors:
        """The rows; RequestError or CellError if they cannot be read."""
        model = self._model
        self._request = request = read_message(pb.ModelInferRequest, self._content)
        require_model(request.model_name, request.model_version, model)
        return tensors_of(model.schema, read_inputs(request), model.policy.max_rows)

    def write(self, outputs: Outputs) -> bytes:
        """The answer's bytes; RequestError if an output is wanted that there is not."""
        return write_answer(self._model, self._request, outputs).SerializeToString()


def read_message(kind: Any, content: bytes) -> Any:
    """A message of a class of protocol buffers; RequestError (400) if the bytes are none."""
    try:
        return kind.FromString(content)
    except DecodeError:
        raise refused(
            f"not a message of the type {kind.DESCRIPTOR.full_name}",
            "message",
            "encode it by the protocol's own definition",
            400,
        ) from None


def read_inputs(request: pb.ModelInferRequest) -> list[Given]:
    """The inputs of a request, raw or typed.

    Args:
        request: has its raw contents taken out of it.

    Raises:
        RequestError: some inputs are raw and some are not.
        CellError: an input's values are not where its datatype says.
    """
    raw = list(request.raw_input_contents)
    if not raw:
        return [
            Given(given.name, given.datatype, list(given.shape), _typed(given))
            for given in request.inputs
        ]
    request.ClearField("raw_input_contents")
    name, request.id = request.id, ""
    told = request.SerializeToString()
    request.id = name
    forms = _forms(told) if len(told) <= _REMEMBERED_BYTES else _forms.__wrapped__(told)
    if len(raw) != len(forms):
        raise refused(
            f"{len(raw)} of them for {len(forms)} inputs",
            "raw_input_contents",
            "send the bytes of every input, or of none",
        )
    return [
        Given(name, datatype, shape, content)
        for (name, datatype, shape), content in zip(forms, raw, strict=True)
    ]


@lru_cache(maxsize=64)
def _forms(told: bytes) -> list[tuple[str, str, list[int]]]:
    """Name, datatype and shape of the inputs of a request without its values and its id.

    They are the same in one request after the other, and reading them costs as much as the model.
    """
    inputs = pb.ModelInferRequest.FromString(told).inputs
    for given in inputs:
        if given.contents.ListFields():
            raise CellError(
                "has contents beside the raw ones",
                row=None,
                column=given.name[:80],
                next_step="send its values once",
            )
    return [(given.name, given.datatype, list(given.shape)) for given in inputs]


def write_answer(
    model: Servable, request: pb.ModelInferRequest, outputs: Outputs
) -> pb.ModelInferResponse:
    """The answer, its tensors raw.

    Raises:
        RequestError: an output is wanted that the model does not have.
    """
    known = {output.name: output for output in model.outputs}
    told = pb.ModelInferResponse(model_name=model.name, model_version=model.version, id=request.id)
    for name in [wanted.name for wanted in request.outputs] or list(known):
        if name not in known:
            raise unknown_output(name, model)
        values = outputs[name]
        told.outputs.add(name=name, datatype=known[name].datatype, shape=values.shape)
        told.raw_output_contents.append(pack(known[name], values))
    return told


def _typed(given: Any) -> list[Any]:
    field = _CONTENTS.get(given.datatype)
    if field is None:
        raise CellError(
            f"values of {given.datatype[:20]!r} have no field of their own",
            row=None,
            column=given.name[:80],
            next_step="send them in raw_input_contents",
        )
    values = getattr(given.contents, field)
    if given.datatype != BYTES:
        return list(values)
    try:
        return [value.decode() for value in values]
    except UnicodeDecodeError:
        raise CellError(
            "not UTF-8", row=None, column=given.name[:80], next_step="send UTF-8"
        ) from None
