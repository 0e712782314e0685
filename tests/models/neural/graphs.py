"""Run a part of a graph on its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
from onnx import TensorProto, checker, helper

from pipelines.models.neural.export import _inputs
from pipelines.models.neural.nodes import Part
from pipelines.models.tabular import OPSET
from pipelines.schema import Schema


def run(part: Part, schema: Schema, tensors: dict[str, Any]) -> np.ndarray:
    """What the part makes of the tensors."""
    output = helper.make_tensor_value_info(part.output, TensorProto.FLOAT, ["rows", "width"])
    graph = helper.make_graph(part.nodes, "part", _inputs(schema), [output], part.arrays)
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets)
    model.ir_version = 10
    checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    [found] = session.run([part.output], tensors)
    return np.asarray(found)
