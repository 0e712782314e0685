"""Asks a server as tritonclient does, and prints what it answers as JSON.

A program of its own: tritonclient's messages and ours have the same names, and one process holds
only one of them. Reads {"rows", "model", "http", "grpc"} from standard input.
"""

from __future__ import annotations

import json
import math
import sys
from typing import Any

import numpy as np
import tritonclient.grpc as by_grpc
import tritonclient.http as by_http

DTYPES = {"FP64": np.float64, "FP32": np.float32, "BYTES": np.object_}


def inputs(module: Any, metadata: list[dict[str, Any]], rows: list[dict[str, Any]]) -> list[Any]:
    """One input for each of the metadata, filled from the rows."""
    made = []
    for told in metadata:
        name, datatype = told["name"], told["datatype"]
        shape = [len(rows), *(int(size) for size in told["shape"][1:])]
        if name == "image":
            values = [list(row.values()) for row in rows]
        elif datatype == "BYTES":
            values = [(row[name] or "").encode() for row in rows]
        else:
            values = [math.nan if row[name] is None else row[name] for row in rows]
        one = module.InferInput(name, shape, datatype)
        one.set_data_from_numpy(np.array(values, dtype=DTYPES[datatype]).reshape(shape))
        made.append(one)
    return made


def answers(result: Any, names: list[str]) -> dict[str, Any]:
    found = {name: result.as_numpy(name) for name in names}
    return {
        name: [value if isinstance(value, str) else value.decode() for value in values.tolist()]
        if values.dtype == np.object_
        else values.tolist()
        for name, values in found.items()
    }


def ask(client: Any, module: Any, told: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Every question that the client can put."""
    model, rows = told["model"], told["rows"]
    metadata = client.get_model_metadata(model)
    if not isinstance(metadata, dict):
        from google.protobuf.json_format import MessageToDict

        metadata = MessageToDict(metadata)
    outputs = [output["name"] for output in metadata["outputs"]]
    result = client.infer(model, inputs(module, metadata["inputs"], rows), request_id="7", **more)
    response = result.get_response()
    is_dict = isinstance(response, dict)
    return {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model_ready": client.is_model_ready(model),
        "version": response["model_version"] if is_dict else response.model_version,
        "id": response["id"] if is_dict else response.id,
        "outputs": answers(result, outputs),
    }


def main() -> None:
    told = json.load(sys.stdin)
    found = {}
    with by_http.InferenceServerClient(told["http"]) as client:
        found["binary"] = ask(client, by_http, told)
        metadata = client.get_model_metadata(told["model"])
        as_json = [
            by_http.InferRequestedOutput(output["name"], binary_data=False)
            for output in metadata["outputs"]
        ]
        found["json"] = ask(client, by_http, told, outputs=as_json)
        try:
            client.infer("nobody", [])
        except Exception as error:  # tritonclient's own kind
            found["refused"] = str(error)
    with by_grpc.InferenceServerClient(told["grpc"]) as client:
        found["grpc"] = ask(client, by_grpc, told)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
