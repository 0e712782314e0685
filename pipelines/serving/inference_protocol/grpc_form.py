"""The protocol's requests and answers as protocol buffers."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pipelines.errors import CellError
from pipelines.serving.inference_protocol.datatypes import BYTES
from pipelines.serving.inference_protocol.generated import open_inference_pb2 as pb
from pipelines.serving.inference_protocol.inputs import Given
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
