"""A network as one ONNX graph, from the columns of the project to its answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from pipelines.models.neural.canonical import canonical
from pipelines.models.neural.nodes import Part
from pipelines.models.neural.runtime import tf2onnx
from pipelines.models.tabular import OPSET
from pipelines.schema import CATEGORIES, LABEL, NUMBERS, PROBABILITIES, VALUE, Schema

_ML_VERSION = 3
_IR_VERSION = 10


def exported(
    name: str, schema: Schema, inputs: Part, answer: Any, weights: Sequence[npt.NDArray[Any]]
) -> bytes:
    """The graph, serialized.

    Args:
        name: of the graph.
        schema: its columns and task.
        inputs: from the columns to the inputs of the network.
        answer: a function of TensorFlow, with its signature, from inputs and weights to answers
            by name.
        weights: those that the graph holds.
    """
    from onnx import ModelProto, helper, numpy_helper

    converted, _ = tf2onnx().convert.from_function(
        answer, input_signature=answer.input_signature, opset=OPSET
    )
    body = converted.graph
    entry, *places = (each.name for each in body.input)
    for node in body.node:
        node.input[:] = [inputs.output if each == entry else each for each in node.input]
    held = [
        numpy_helper.from_array(weight, place)
        for weight, place in zip(weights, places, strict=True)
    ]
    graph = helper.make_graph(
        [*inputs.nodes, *body.node],
        name,
        _inputs(schema),
        _outputs(schema),
        [*inputs.arrays, *body.initializer, *held],
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", _ML_VERSION)]
    whole: ModelProto = helper.make_model(graph, opset_imports=opsets)
    whole.ir_version = _IR_VERSION
    canonical(whole)
    serialized: bytes = whole.SerializeToString(deterministic=True)
    return serialized


def _inputs(schema: Schema) -> list[Any]:
    from onnx import TensorProto, helper

    inputs = []
    if schema.numbers:
        shape = ["rows", len(schema.numbers)]
        inputs.append(helper.make_tensor_value_info(NUMBERS, TensorProto.DOUBLE, shape))
    if schema.categories:
        shape = ["rows", len(schema.categories)]
        inputs.append(helper.make_tensor_value_info(CATEGORIES, TensorProto.STRING, shape))
    return inputs


def _outputs(schema: Schema) -> list[Any]:
    from onnx import TensorProto, helper

    if schema.task == "regression":
        return [helper.make_tensor_value_info(VALUE, TensorProto.FLOAT, ["rows", 1])]
    width = len(schema.classes) or 2
    return [
        helper.make_tensor_value_info(LABEL, TensorProto.INT64, ["rows"]),
        helper.make_tensor_value_info(PROBABILITIES, TensorProto.FLOAT, ["rows", width]),
    ]
