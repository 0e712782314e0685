"""What the protocol says about a server and its model."""

from __future__ import annotations

from typing import Any

from pipelines.schema import Schema
from pipelines.serving.inference_protocol.inputs import IMAGE
from pipelines.serving.problems import refused
from pipelines.serving.served import Servable

SERVER = "evergreen"
# What clients look for before they send or ask for binary tensors.
EXTENSIONS = ("binary_tensor_data",)
PLATFORM = "onnxruntime_onnx"
# As many rows as a request brings.
ANY = -1


def server_metadata(version: str) -> dict[str, Any]:
    """Name, version and extensions of the server itself."""
    return {"name": SERVER, "version": version, "extensions": list(EXTENSIONS)}


def model_metadata(model: Servable) -> dict[str, Any]:
    """Names, datatypes and shapes of all that a model takes and gives."""
    return {
        "name": model.name,
        "versions": [model.version],
        "platform": PLATFORM,
        "inputs": [
            {"name": name, "datatype": datatype, "shape": shape}
            for name, datatype, shape in inputs_of(model.schema)
        ],
        "outputs": [
            {
                "name": output.name,
                "datatype": output.datatype,
                "shape": [ANY] if output.width is None else [ANY, output.width],
            }
            for output in model.outputs
        ],
    }


def inputs_of(schema: Schema) -> list[tuple[str, str, list[int]]]:
    """Name, datatype and shape of every input."""
    if schema.image is not None:
        return [(IMAGE, "FP32", [ANY, *schema.image])]
    numbers = [(name, "FP64", [ANY, 1]) for name in schema.numbers]
    return numbers + [(name, "BYTES", [ANY, 1]) for name in schema.categories]


def names_version(asked: str, model: Servable) -> bool:
    """Whether a version in a path is the one that is served: `v3`, or 3 for short."""
    return asked in ("", model.version) or f"v{asked}" == model.version


def require_model(name: str, version: str, model: Servable) -> None:
    """Hold a request to the model that is served; RequestError (404) for another."""
    if name != model.name or not names_version(version, model):
        raise refused(
            f"there is no {name[:80]!r} {version[:20]!r} here",
            "model",
            f"ask for {model.name!r}, version {model.version!r} or none",
            404,
        )
