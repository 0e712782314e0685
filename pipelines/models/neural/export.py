"""A network as one ONNX graph, from the columns of the project to its answers."""

from __future__ import annotations

from typing import Any

from pipelines.models.neural.canonical import canonical
from pipelines.models.neural.nodes import Part
from pipelines.models.neural.runtime import tf2onnx
from pipelines.models.tabular import OPSET
from pipelines.schema import CATEGORIES, LABEL, NUMBERS, PROBABILITIES, VALUE, Schema

_ML_VERSION = 3


def exported(name: str, schema: Schema, inputs: Part, units: int, answer: Any) -> bytes:
    """The graph, serialized.

    Args:
        name: of the graph.
        schema: its columns and task.
        inputs: from the columns to the inputs of the network.
        units: of the network's last layer.
        answer: a function of TensorFlow from inputs to answers by name, with its signature.
    """
    from onnx import ModelProto, helper

    model, _ = tf2onnx().convert.from_function(
        answer, input_signature=answer.input_signature, opset=OPSET
    )
    body = model.graph
    [entry] = body.input
    for node in body.node:
        node.input[:] = [inputs.output if each == entry.name else each for each in node.input]
    graph = helper.make_graph(
        [*inputs.nodes, *body.node],
        name,
        _inputs(schema),
        _outputs(schema, units),
        [*inputs.arrays, *body.initializer],
    )
    whole: ModelProto = helper.make_model(
        graph,
        opset_imports=[
            helper.make_opsetid("", OPSET),
            helper.make_opsetid("ai.onnx.ml", _ML_VERSION),
        ],
    )
    whole.ir_version = 10
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


def _outputs(schema: Schema, units: int) -> list[Any]:
    from onnx import TensorProto, helper

    if schema.task == "regression":
        return [helper.make_tensor_value_info(VALUE, TensorProto.FLOAT, ["rows", 1])]
    return [
        helper.make_tensor_value_info(LABEL, TensorProto.INT64, ["rows"]),
        helper.make_tensor_value_info(PROBABILITIES, TensorProto.FLOAT, ["rows", units]),
    ]
