"""The server against BentoML's and MLflow's own of the same model, and tensors against JSON.

CPU microseconds a request of all server processes and requests a second, medians of interleaved
rounds: one row of flights at concurrency 1 and 16, and 64 images of MNIST at concurrency 4. The
client is a process of its own and shares the machine, so requests a second are what is left.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import statistics
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import psutil

from benchmarks import asking
from benchmarks.clones import clone
from benchmarks.servers import mlflow, ours, stock
from pipelines import golden
from pipelines.inference.encode import Tensors, encode_rows
from pipelines.packaging.doors import inputs
from pipelines.packaging.server import Site
from pipelines.paths import HomePaths, ModelPaths
from pipelines.schema import NUMBERS
from pipelines.serving.inference_protocol.datatypes import NUMPY
from pipelines.serving.inference_protocol.generated import open_inference_pb2 as pb
from pipelines.signature import Signature

# The Python of an environment that has MLflow; benchmarks/mlflow.txt says how to make one.
MLFLOW_PYTHON = "MLFLOW_PYTHON"
ROUNDS = 5
REQUESTS = 2000
# Of those who answer several times as many a second: a round of each takes about as long.
MANY_REQUESTS = 6000
IMAGES = 64
JSON = {"Content-Type": "application/json"}


def run() -> None:
    """Train both models, start the servers, and print a line a way to ask."""
    with clone() as (place, given), tempfile.TemporaryDirectory() as folder:
        stages = ["dvc", "repro", "-q", "train@flights", "train@mnist"]
        subprocess.run(stages, cwd=place, env=given, check=True)
        measure(place, HomePaths(Path(folder)))


def measure(project: Path, home: HomePaths) -> None:
    """Measure the models that were trained in `project`."""
    print("one row of flights")
    flights = ModelPaths(project, "flights").artifact
    with ExitStack() as running:
        ways = _one_row(flights, *running.enter_context(ours(flights, home)))
        ways.insert(0, _stock_way(flights, *running.enter_context(stock(flights, home))))
        if python := os.environ.get(MLFLOW_PYTHON):
            ways.append(_mlflow_way(flights, *running.enter_context(mlflow(flights, python))))
        else:
            print(
                f"MLflow's scoring server is not measured: {MLFLOW_PYTHON} (benchmarks/mlflow.txt)"
            )
        _compare(ways)
    print(f"{IMAGES} images of MNIST, 784 numbers each")
    mnist = ModelPaths(project, "mnist").artifact
    with ours(mnist, home) as (server, site):
        _compare(_images(mnist, server, site))


Way = tuple[str, psutil.Process, Callable[[int, int], float], tuple[int, ...], int]
# Name, datatype, shape and bytes.
Input = tuple[str, str, list[int], bytes]


def _golden(artifact: Path, count: int) -> tuple[Signature, list[dict[str, Any]]]:
    signature = Signature.read(artifact)
    schema = signature.schema
    return signature, golden.rows(golden.read(artifact, schema).slice(0, count), schema)


def _stock_way(artifact: Path, stock: psutil.Process, port: int) -> Way:
    body = msgspec.json.encode({"rows": _golden(artifact, 1)[1]})
    return "stock BentoML", stock, _http(port, "/predict", body), (1, 16), REQUESTS


def _mlflow_way(artifact: Path, server: psutil.Process, port: int) -> Way:
    signature, row = _golden(artifact, 1)
    tensors = encode_rows(signature.schema, row)
    # MLflow takes no null for a missing number, and NaN is no JSON: 0 costs it as much.
    told = {
        name: np.nan_to_num(values).tolist() if values.dtype.kind == "f" else values.tolist()
        for name, values in tensors.items()
    }
    body = msgspec.json.encode({"inputs": told})
    return "MLflow", server, _http(port, "/invocations", body), (1, 16), REQUESTS


def _one_row(artifact: Path, server: psutil.Process, site: Site) -> list[Way]:
    signature, row = _golden(artifact, 1)
    schema = signature.schema
    body = msgspec.json.encode({"rows": row})
    tensors = encode_rows(schema, row)
    infer = f"/v2/models/{signature.model}/infer"
    told = [
        {"name": name, "datatype": kind, "shape": shape, "data": _data(content, kind)}
        for name, kind, shape, content in inputs(schema, tensors)
    ]
    plain, concurrency = msgspec.json.encode({"inputs": told}), (1, 16)
    message = _message(signature, list(inputs(schema, tensors)))
    return [
        ("/predict", server, _http(site.port, "/predict", body), concurrency, MANY_REQUESTS),
        ("/v2, JSON", server, _http(site.port, infer, plain), concurrency, MANY_REQUESTS),
        ("gRPC", server, _grpc(site.grpc_port, message), concurrency, MANY_REQUESTS),
    ]


def _images(artifact: Path, server: psutil.Process, site: Site) -> list[Way]:
    signature, rows = _golden(artifact, IMAGES)
    tensors = encode_rows(signature.schema, rows)
    infer = f"/v2/models/{signature.model}/infer"
    [name, kind, shape, content] = _image(signature, tensors)
    known = {"name": name, "datatype": kind, "shape": shape}
    plain = msgspec.json.encode({"inputs": [{**known, "data": _data(content, kind)}]})
    size = {"parameters": {"binary_data_size": len(content)}}
    # The answer in binary as well, as tritonclient asks for it.
    all_binary = {"inputs": [{**known, **size}], "parameters": {"binary_data_output": True}}
    head = msgspec.json.encode(all_binary)
    binary = {"Inference-Header-Content-Length": str(len(head))}
    few = REQUESTS // 20
    return [
        ("/v2, JSON", server, _http(site.port, infer, plain), (4,), few),
        ("/v2, binary", server, _http(site.port, infer, head + content, binary), (4,), few),
        (
            "gRPC",
            server,
            _grpc(site.grpc_port, _message(signature, [(name, kind, shape, content)])),
            (4,),
            few,
        ),
    ]


def _image(signature: Signature, tensors: Tensors) -> Input:
    """Of the datatype that the model's metadata says, as clients send it."""
    [(name, _, shape, _)] = inputs(signature.schema, tensors)
    return name, "FP32", shape, tensors[NUMBERS].astype(np.float32).tobytes()


def _compare(ways: list[Way]) -> None:
    """Ask each way in turn, round after round, so that a slow minute slows all of them."""
    found: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for round_ in range(ROUNDS + 1):
        for name, server, ask, concurrency, requests in ways:
            for at_once in concurrency:
                before = asking.cpu_seconds(server)
                rate = ask(requests, at_once)
                cpu = (asking.cpu_seconds(server) - before) / requests * 1e6
                if round_:  # the first one warms up
                    found.setdefault((name, at_once), []).append((cpu, rate))
    slowest: dict[int, float] = {}
    for (name, at_once), figures in found.items():
        cpu, rate = (statistics.median(values) for values in zip(*figures, strict=True))
        slowest.setdefault(at_once, rate)
        times = rate / slowest[at_once]
        print(
            f"  {name:14} {at_once:2} at once  {cpu:7.0f} us of CPU  {rate:7,.0f} requests/s"
            f"  {times:5.1f} times",
            flush=True,
        )


def _http(
    port: int, path: str, body: bytes, more: dict[str, str] | None = None
) -> Callable[[int, int], float]:
    headers = JSON | (more or {})
    return lambda requests, at_once: _apart(
        asking.over_http, port, path, body, headers, requests, at_once
    )


def _grpc(port: int, message: bytes) -> Callable[[int, int], float]:
    return lambda requests, at_once: _apart(asking.over_grpc, port, message, requests, at_once)


def _apart(ask: Callable[..., float], *arguments: Any) -> float:
    """In a fresh process: gRPC does not survive a fork, and a client must not warm up for all."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(ask, arguments)


def _data(content: bytes, kind: str) -> list[Any]:
    if kind == "BYTES":
        return [content[4:].decode()]
    values = np.frombuffer(content, NUMPY[kind]).tolist()
    return [None if math.isnan(value) else value for value in values]


def _message(signature: Signature, told: list[Input]) -> bytes:
    request = pb.ModelInferRequest(model_name=signature.model)
    for name, kind, shape, content in told:
        request.inputs.add(name=name, datatype=kind, shape=shape)
        request.raw_input_contents.append(content)
    return request.SerializeToString()
