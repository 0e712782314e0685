"""Asking a model server by the Open Inference Protocol, over REST and over gRPC."""

from __future__ import annotations

import http.client
from collections.abc import Iterator, Sequence
from contextlib import closing

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipelines.errors import PackageError
from pipelines.inference.encode import Tensors
from pipelines.packaging.server import Server
from pipelines.schema import CATEGORIES, NUMBERS, Schema
from pipelines.serving.inference_protocol.datatypes import BYTES, pack_strings
from pipelines.serving.inference_protocol.inputs import IMAGE
from pipelines.serving.served import LABEL, outputs_of, rows_of

TIMEOUT_SECONDS = 30.0
# Small enough for the body of any request, large enough to be quick.
AT_ONCE = 64


def over_rest(server: Server, model: str, schema: Schema, tensors: Tensors) -> NDArray[np.float64]:
    """The scores of all rows, asked in the protocol's binary form.

    Raises:
        PackageError: the server refuses, breaks off, or answers something else.
    """
    connection = http.client.HTTPConnection(server.host, server.port, timeout=TIMEOUT_SECONDS)
    with closing(connection):
        return np.concatenate([_rest(connection, model, schema, part) for part in _parts(tensors)])


def over_grpc(server: Server, model: str, schema: Schema, tensors: Tensors) -> NDArray[np.float64]:
    """As `over_rest`, over gRPC."""
    import grpc  # a fifth of a second, for those who package only

    from pipelines.serving.inference_protocol.generated import open_inference_pb2 as pb

    where = f"{server.host}:{server.grpc_port}"
    answers = []
    with grpc.insecure_channel(where) as channel:
        infer = channel.unary_unary(
            "/inference.GRPCInferenceService/ModelInfer",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=pb.ModelInferResponse.FromString,
        )
        for part in _parts(tensors):
            request = pb.ModelInferRequest(model_name=model)
            for name, datatype, shape, content in inputs(schema, part):
                request.inputs.add(name=name, datatype=datatype, shape=shape)
                request.raw_input_contents.append(content)
            try:
                answer = infer(request, timeout=TIMEOUT_SECONDS)
            except grpc.RpcError as error:
                raise _fault(str(error), f"grpc://{where}") from error
            told = {output.name: place for place, output in enumerate(answer.outputs)}
            place = told[_scores(schema)]
            values = np.frombuffer(answer.raw_output_contents[place])
            answers.append(values.reshape(tuple(answer.outputs[place].shape)))
    return np.concatenate(answers)


def _rest(
    connection: http.client.HTTPConnection, model: str, schema: Schema, tensors: Tensors
) -> NDArray[np.float64]:
    told, contents = [], []
    for name, datatype, shape, content in inputs(schema, tensors):
        size = {"binary_data_size": len(content)}
        told.append({"name": name, "datatype": datatype, "shape": shape, "parameters": size})
        contents.append(content)
    wanted = [{"name": _scores(schema), "parameters": {"binary_data": True}}]
    head = msgspec.json.encode({"inputs": told, "outputs": wanted})
    path = f"/v2/models/{model}/infer"
    headers = {
        "Content-Type": "application/octet-stream",
        "Inference-Header-Content-Length": str(len(head)),
    }
    try:
        connection.request("POST", path, b"".join([head, *contents]), headers)
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise _fault(f"no answer: {error!r}", path) from error
    if response.status != http.HTTPStatus.OK:
        raise _fault(f"status {response.status}: {body[:500].decode(errors='replace')}", path)
    length = int(response.headers["Inference-Header-Content-Length"])
    shape = msgspec.json.decode(body[:length])["outputs"][0]["shape"]
    return np.frombuffer(body[length:]).reshape(shape)


def inputs(schema: Schema, tensors: Tensors) -> Iterator[tuple[str, str, list[int], bytes]]:
    """Name, datatype, shape and bytes of every input of a request."""
    if schema.image is not None:
        numbers = tensors[NUMBERS]
        yield IMAGE, "FP64", [len(numbers), *schema.image], np.ascontiguousarray(numbers).tobytes()
        return
    for place, name in enumerate(schema.numbers):
        column = np.ascontiguousarray(tensors[NUMBERS][:, place])
        yield name, "FP64", [len(column), 1], column.tobytes()
    for place, name in enumerate(schema.categories):
        values = tensors[CATEGORIES][:, place].tolist()
        yield name, BYTES, [len(values), 1], pack_strings(values)


def _parts(tensors: Tensors) -> Iterator[Tensors]:
    for start in range(0, rows_of(tensors), AT_ONCE):
        yield {name: tensor[start : start + AT_ONCE] for name, tensor in tensors.items()}


def _scores(schema: Schema) -> str:
    """The output that holds what `Prediction.scores` does."""
    names: Sequence[str] = [output.name for output in outputs_of(schema) if output.name != LABEL]
    return names[0]


def _fault(problem: str, where: str) -> PackageError:
    return PackageError(problem, where=where, next_step="read the end of the server's log")
