"""Model folders of any schema, made in milliseconds: a small graph of the real kind, untrained.

The graph adds all numbers (a missing one counts 0) and the lengths that it knows of categories,
and makes of the sum what the task wants. What a test expects of it can be worked out by hand.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper

from pipelines.inference.encode import encode_rows
from pipelines.schema import CATEGORIES, LABEL, NUMBERS, PROBABILITIES, VALUE, Schema
from pipelines.serving import golden
from pipelines.serving.golden import Golden
from pipelines.serving.policy import ServingPolicy
from pipelines.serving.release import Release
from pipelines.serving.served import ServedModel
from pipelines.signature import MODEL_FILE, Signature, digest

TABLE = Schema(numbers=("a", "b"), categories=("city",), target="late")
MINUTES = Schema(numbers=("a", "b"), categories=("city",), target="minutes", task="regression")
WORDS = Schema(
    numbers=("a", "b"),
    categories=("city",),
    target="word",
    task="multiclass",
    classes=("low", "mid", "hüge"),
)
PIXELS = tuple(f"p{place}" for place in range(6))
GREY = Schema(
    numbers=PIXELS,
    categories=(),
    target="digit",
    task="multiclass",
    classes=("no", "yes"),
    image=(2, 3, 1),
)
COLOUR = Schema(
    numbers=PIXELS,
    categories=(),
    target="digit",
    task="multiclass",
    classes=("no", "yes"),
    image=(1, 2, 3),
)
SEEN = ("Oslo", "Bergen")
ROW: dict[str, Any] = {"a": 1.0, "b": 0.5, "city": "Oslo"}


def make(
    folder: Path, schema: Schema, policy: ServingPolicy | None = None, *, of_sum: str = ""
) -> Path:
    """Write a bento's model folder.

    Args:
        folder: is made.
        schema: of the model.
        policy: how it is served.
        of_sum: an operator of ONNX that the sum goes through, such as Log, which has no answer
            for a negative sum.
    """
    folder.mkdir(parents=True)
    (folder / MODEL_FILE).write_bytes(_graph(schema, of_sum).SerializeToString())
    seen = {name: list(SEEN) for name in schema.categories}
    Signature("flights", "baseline", schema, digest(folder / MODEL_FILE), seen).write(folder)
    Release("v3", {}).write(folder)
    (policy or ServingPolicy()).write(folder)
    served = ServedModel.open(folder)
    rows = [
        {name: float(n + 1) for name in schema.numbers} | dict.fromkeys(schema.categories, "Oslo")
        for n in range(3)
    ]
    outputs = served.answer(encode_rows(schema, rows))
    Golden(rows, {name: values.tolist() for name, values in outputs.items()}).write(folder)
    assert golden.read(folder).rows == rows
    return folder


def model(folder: Path, schema: Schema = TABLE, **changes: Any) -> ServedModel:
    """The model of a folder that is made for it, with some of its policy changed."""
    return ServedModel.open(make(folder, schema, ServingPolicy(**changes)))


def probability(total: float) -> float:
    """What the graph of a binary task answers to a sum."""
    return 1 / (1 + math.exp(-total))


def _graph(schema: Schema, of_sum: str) -> onnx.ModelProto:
    nodes, inputs, parts = [], [], []
    constants = [
        helper.make_tensor("zero", TensorProto.DOUBLE, [], [0.0]),
        helper.make_tensor("across", TensorProto.INT64, [1], [1]),
    ]
    if schema.numbers:
        width = len(schema.numbers)
        inputs.append(helper.make_tensor_value_info(NUMBERS, TensorProto.DOUBLE, [None, width]))
        nodes += [
            helper.make_node("IsNaN", [NUMBERS], ["is_missing"]),
            helper.make_node("Where", ["is_missing", "zero", NUMBERS], ["known"]),
            helper.make_node("ReduceSum", ["known", "across"], ["wide"], keepdims=1),
            helper.make_node("Cast", ["wide"], ["numbers_sum"], to=TensorProto.FLOAT),
        ]
        parts.append("numbers_sum")
    if schema.categories:
        width = len(schema.categories)
        inputs.append(helper.make_tensor_value_info(CATEGORIES, TensorProto.STRING, [None, width]))
        lengths = [float(len(word)) for word in SEEN]
        nodes += [
            helper.make_node(
                "LabelEncoder",
                [CATEGORIES],
                ["lengths"],
                domain="ai.onnx.ml",
                keys_strings=list(SEEN),
                values_floats=lengths,
                default_float=0.0,
            ),
            helper.make_node("ReduceSum", ["lengths", "across"], ["words_sum"], keepdims=1),
        ]
        parts.append("words_sum")
    nodes.append(helper.make_node("Sum", parts, ["plain"]))
    nodes.append(helper.make_node(of_sum or "Identity", ["plain"], ["sum"]))
    answers, outputs = _answers(schema)
    graph = helper.make_graph(nodes + answers, "sum", inputs, outputs, constants)
    versions = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    made = helper.make_model(graph, opset_imports=versions, ir_version=9)
    onnx.checker.check_model(made)
    return made


def _answers(schema: Schema) -> tuple[list[Any], list[Any]]:
    if schema.task == "regression":
        value = helper.make_tensor_value_info(VALUE, TensorProto.FLOAT, [None, 1])
        return [helper.make_node("Identity", ["sum"], [VALUE])], [value]
    if schema.task == "binary":
        one = helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0])
        nodes = [
            helper.make_node("Sigmoid", ["sum"], ["yes"]),
            helper.make_node("Constant", [], ["one"], value=one),
            helper.make_node("Sub", ["one", "yes"], ["no"]),
            helper.make_node("Concat", ["no", "yes"], [PROBABILITIES], axis=1),
        ]
        width = 2
    else:
        width = len(schema.classes)
        steps = [float(place) for place in range(width)]
        slopes = helper.make_tensor("slopes", TensorProto.FLOAT, [1, width], steps)
        nodes = [
            helper.make_node("Constant", [], ["slopes"], value=slopes),
            helper.make_node("Mul", ["sum", "slopes"], ["scores"]),
            helper.make_node("Softmax", ["scores"], [PROBABILITIES], axis=1),
        ]
    nodes.append(helper.make_node("ArgMax", [PROBABILITIES], [LABEL], axis=1, keepdims=0))
    return nodes, [
        helper.make_tensor_value_info(LABEL, TensorProto.INT64, [None]),
        helper.make_tensor_value_info(PROBABILITIES, TensorProto.FLOAT, [None, width]),
    ]
