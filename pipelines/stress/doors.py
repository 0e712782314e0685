"""The ways into a model server: what a row looks like there, and how its answer is read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from pipelines.inference.encode import encode_rows
from pipelines.schema import CATEGORIES, LABEL, NUMBERS, Schema
from pipelines.serving.inference_protocol.datatypes import BYTES, pack_strings

IMAGE = "image"
GRPC_METHOD = "/inference.GRPCInferenceService/ModelInfer"


@dataclass(frozen=True)
class Answer:
    """What a server said of one row: `scores` has one number, or with several classes one each."""

    model: str
    version: str
    scores: list[float]


class Door(Protocol):
    """One protocol; every request carries one row."""

    def path(self, model: str) -> str:
        """Where requests are posted, as `/predict`, or the method that is called."""
        ...

    def body(self, schema: Schema, model: str, row: dict[str, Any]) -> bytes:
        """The request with this row.

        Raises:
            ValueError: the row cannot be sent so.
        """
        ...

    def read(self, content: bytes) -> Answer:
        """The answer in the body of a response of status 200, or in a message.

        Raises:
            ValueError: it is none; says why.
        """
        ...


class Predict:
    """`POST /predict`: rows by column name."""

    def path(self, model: str) -> str:  # noqa: ARG002
        return "/predict"

    def body(self, schema: Schema, model: str, row: dict[str, Any]) -> bytes:  # noqa: ARG002
        return json.dumps({"rows": [row]}, allow_nan=False).encode()

    def read(self, content: bytes) -> Answer:
        value = json.loads(content)
        try:
            [scores] = value["probabilities"] if "probabilities" in value else value["values"]
            numbers = scores if isinstance(scores, list) else [scores]
            return Answer(value["model"], value["version"], [float(number) for number in numbers])
        except (TypeError, KeyError) as error:
            raise ValueError(f"not a prediction: {error!r}") from error


class Rest:
    """The Open Inference Protocol over HTTP, its tensors in JSON."""

    def path(self, model: str) -> str:
        return f"/v2/models/{model}/infer"

    def body(self, schema: Schema, model: str, row: dict[str, Any]) -> bytes:  # noqa: ARG002
        if schema.image is not None:
            pixels = [row[name] for name in schema.numbers]
            told = [_told(IMAGE, "FP32", [1, *schema.image], pixels)]
        else:
            told = [_told(name, "FP64", [1, 1], [row[name]]) for name in schema.numbers]
            told += [_told(name, BYTES, [1, 1], [row[name]]) for name in schema.categories]
        return json.dumps({"inputs": told}, allow_nan=False).encode()

    def read(self, content: bytes) -> Answer:
        value = json.loads(content)
        try:
            outputs = {output["name"]: output["data"] for output in value["outputs"]}
            scores = [float(number) for number in _scores(outputs)]
            return Answer(value["model_name"], value["model_version"], scores)
        except (TypeError, KeyError) as error:
            raise ValueError(f"not a prediction: {error!r}") from error


class Grpc:
    """The Open Inference Protocol over gRPC, its tensors raw."""

    def path(self, model: str) -> str:  # noqa: ARG002
        return GRPC_METHOD

    def body(self, schema: Schema, model: str, row: dict[str, Any]) -> bytes:
        from pipelines.serving.inference_protocol.generated import open_inference_pb2 as pb

        tensors = encode_rows(schema, [row])
        request = pb.ModelInferRequest(model_name=model)

        def tell(name: str, datatype: str, shape: list[int], content: bytes) -> None:
            request.inputs.add(name=name, datatype=datatype, shape=shape)
            request.raw_input_contents.append(content)

        if schema.image is not None:
            pixels = tensors[NUMBERS].astype(np.float32)
            tell(IMAGE, "FP32", [1, *schema.image], pixels.tobytes())
            return bytes(request.SerializeToString())
        for place, name in enumerate(schema.numbers):
            tell(name, "FP64", [1, 1], tensors[NUMBERS][:, place].tobytes())
        for place, name in enumerate(schema.categories):
            tell(name, BYTES, [1, 1], pack_strings(tensors[CATEGORIES][:, place].tolist()))
        return bytes(request.SerializeToString())

    def read(self, content: bytes) -> Answer:
        from google.protobuf.message import DecodeError

        from pipelines.serving.inference_protocol.generated import open_inference_pb2 as pb

        try:
            answer = pb.ModelInferResponse.FromString(content)
            raw = zip(answer.outputs, answer.raw_output_contents, strict=True)
            outputs = {output.name: told for output, told in raw}
            scores = np.frombuffer(_scores(outputs), "<f8").tolist()
            return Answer(answer.model_name, answer.model_version, scores)
        except (DecodeError, KeyError) as error:
            raise ValueError(f"not a prediction: {error!r}") from error


def _told(name: str, datatype: str, shape: list[int], data: list[Any]) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape, "data": data}


def _scores(outputs: dict[str, Any]) -> Any:
    """The one output that is no label."""
    found = [values for name, values in outputs.items() if name != LABEL]
    if len(found) != 1:
        raise KeyError(f"one output beside {LABEL}, of {sorted(outputs)}")
    return found[0]


DOORS: dict[str, Door] = {"predict": Predict(), "v2": Rest(), "grpc": Grpc()}
