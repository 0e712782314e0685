"""Good requests, and bodies that nobody should send: by hypothesis, and by breaking good ones."""

from __future__ import annotations

import json
import random
import struct
import warnings
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NonInteractiveExampleWarning

from pipelines.schema import Schema
from pipelines.serving.inference_protocol.datatypes import pack_strings
from pipelines.serving.inference_protocol.generated import open_inference_pb2 as pb
from tests.serving.live import Raw, post

PREDICT = "/predict"
JSON = {"Content-Type": "application/json"}
LENGTH = "Inference-Header-Content-Length"
ABSURD = (0, -1, 2**31, 2**40, 2**62, 2**63 - 1, 2**63, 2**64, 2**70, -(2**63), 10**30)
SPELLINGS = (
    *("NaN", "nan", "-NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e-999", "0x10", "1_0"),
    *("01", "+1", ".5", "1.", "--1", "9" * 400, "9" * 5000, "1" + "0" * 4000 + ".0", "1e400000000"),
    *('"NaN"', '"\\ud800"', '"\\udfff\\ud800"', '"\\u0000"', "undefined", "None", "True", "''"),
    *("[" * 500, '{"a":' * 500, "[" * 100_000, '{"a":' * 50_000, "[[[[[[]]]]]]", "{}", "[]", '""'),
)
VALUES = ("null", "true", "0", "-1", "1.5", '"UA"', "[2]", "[2, 1]", "[[1.5], [2]]", "[null, null]")
WORDS = st.sampled_from(["FP64", "BYTES", "INT64", "BOOL", "FP16", "x", "", "\x00", "ü" * 50])
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(ABSURD)
    | st.floats()
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=12,
)


def infer_path(model: str) -> str:
    return f"/v2/models/{model}/infer"


def good_rows(schema: Schema) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(schema.numbers, 1.5)
    return {"rows": [row | dict.fromkeys(schema.categories, "UA")] * 2}


def good_inputs(schema: Schema) -> dict[str, Any]:
    numbers = [
        {"name": name, "shape": [2, 1], "datatype": "FP64", "data": [1.5, None]}
        for name in schema.numbers
    ]
    words = [
        {"name": name, "shape": [2, 1], "datatype": "BYTES", "data": ["UA", "x"]}
        for name in schema.categories
    ]
    return {"id": "7", "inputs": numbers + words}


def good_binary(schema: Schema) -> tuple[bytes, bytes]:
    """The JSON and the tensors of a request in the binary form."""
    request, tail = good_inputs(schema), b""
    for one in request["inputs"]:
        data = one.pop("data")
        content = pack_strings(data) if one["datatype"] == "BYTES" else struct.pack("<2d", 1.5, 2.5)
        one["parameters"] = {"binary_data_size": len(content)}
        tail += content
    return json.dumps(request).encode(), tail


def good_message(model: str, schema: Schema) -> bytes:
    """A request over gRPC."""
    made = pb.ModelInferRequest(model_name=model, id="7")
    for one in good_inputs(schema)["inputs"]:
        is_word = one["datatype"] == "BYTES"
        put = made.inputs.add(name=one["name"], datatype=one["datatype"], shape=one["shape"])
        if is_word:
            put.contents.bytes_contents.extend(value.encode() for value in one["data"])
        else:
            put.contents.fp64_contents.extend([1.5, 2.5])
    return made.SerializeToString()


def built(strategy: st.SearchStrategy[Any], count: int, seed: int) -> list[Any]:
    """Values of a strategy, the same in every run."""
    from hypothesis import seed as seeded

    found: list[Any] = []

    @seeded(seed)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(value: Any) -> None:
        found.append(value)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NonInteractiveExampleWarning)
        collect()
    return found


def by_hypothesis(model: str, schema: Schema, count: int, seed: int) -> list[Raw]:
    """Requests with any JSON in place of what is expected."""
    names = st.sampled_from(schema.features) | st.text(max_size=9)
    row = st.dictionaries(names, JSON_VALUES, max_size=6)
    near = st.fixed_dictionaries(dict.fromkeys(schema.features, JSON_VALUES))
    rows = st.fixed_dictionaries({"rows": st.lists(row | near, max_size=3) | JSON_VALUES})
    tensor = st.fixed_dictionaries(
        {
            "name": names,
            "shape": st.lists(st.integers(-1, 3) | st.sampled_from(ABSURD), max_size=3),
            "datatype": WORDS,
            "data": st.lists(JSON_VALUES, max_size=3),
        }
    )
    inputs = st.fixed_dictionaries({"inputs": st.lists(tensor, max_size=6) | JSON_VALUES})
    paths = st.sampled_from([PREDICT, infer_path(model)])
    contents = st.one_of(rows, inputs, JSON_VALUES).map(json.dumps).map(str.encode)
    bodies = st.tuples(paths, contents | st.binary(max_size=100))
    return [post(path, body, JSON) for path, body in built(bodies, count, seed)]


def broken(good: bytes, draw: random.Random) -> bytes:
    """A good body with some bytes changed, cut out, doubled, or exchanged."""
    body = bytearray(good)
    for _ in range(draw.randint(1, 4)):
        place = draw.randrange(len(body) or 1)
        match draw.randrange(5):
            case 0 if body:
                body[place] = draw.randrange(256)
            case 1:
                del body[place : place + draw.randint(1, 20)]
            case 2:
                body[place:place] = body[: draw.randint(0, 30)]
            case 3:
                body[place:place] = draw.choice(SPELLINGS)[:200].encode()
            case _:
                del body[place:]
    return bytes(body)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in a JSON value, with each key or place in it."""
    keys = value.keys() if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


def changed(good: dict[str, Any], draw: random.Random) -> bytes:
    """Good JSON with one of its values, or the name of one, exchanged for another."""
    value = json.loads(json.dumps(good))
    container, key = draw.choice(list(_places(value)))
    if isinstance(container, dict) and draw.random() < 0.2:
        container[draw.choice(["", "x", "\ud800", key + " "])] = container.pop(key)
        return json.dumps(value).encode()
    container[key] = "*"
    return json.dumps(value).replace('"*"', draw.choice(SPELLINGS + VALUES)[:2000]).encode()


def by_breaking(model: str, schema: Schema, count: int, seed: int) -> Iterator[Raw]:
    """Good requests, each broken in its own way."""
    draw = random.Random(seed)
    rows = json.dumps(good_rows(schema)).encode()
    inputs = json.dumps(good_inputs(schema)).encode()
    head, tail = good_binary(schema)
    for _ in range(count):
        match draw.randrange(5):
            case 0:
                yield post(PREDICT, changed(good_rows(schema), draw), JSON)
            case 1:
                yield post(infer_path(model), changed(good_inputs(schema), draw), JSON)
            case 2:
                yield post(PREDICT, broken(rows, draw), JSON)
            case 3:
                yield post(infer_path(model), broken(inputs, draw), JSON)
            case _:
                length = str(draw.choice([len(head), draw.randrange(len(head) + 50)]))
                yield post(infer_path(model), broken(head + tail, draw), {LENGTH: length})


def messages(model: str, schema: Schema, count: int, seed: int) -> Iterator[bytes]:
    """Messages for gRPC, broken; and a few that are whole and absurd."""
    draw, good = random.Random(seed), good_message(model, schema)
    for size in ABSURD:
        if -(2**63) <= size < 2**63:
            made = pb.ModelInferRequest.FromString(good)
            made.inputs[0].shape[:] = [size, 1]
            yield made.SerializeToString()
    for _ in range(count):
        yield broken(good, draw)
