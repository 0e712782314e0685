"""Nodes of ONNX, collected while a part of a graph is written down."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt


def constant(*values: int) -> npt.NDArray[np.int64]:
    """Whole numbers as ONNX wants shapes and places."""
    return np.array(values, dtype=np.int64)


@dataclass
class Part:
    """A part of a graph: its nodes in order, the arrays that they hold, its one output.

    Tensors are numbered in the order in which they are made, so that the same part has the same
    names in every process.
    """

    nodes: list[Any] = field(default_factory=list)
    arrays: list[Any] = field(default_factory=list)
    output: str = ""

    def held(self, name: str, value: npt.NDArray[Any]) -> str:
        """Keep an array in the graph; its name there."""
        from onnx import numpy_helper

        name = f"input_{name}_{len(self.arrays)}"
        self.arrays.append(numpy_helper.from_array(value, name))
        return name

    def node(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        """Add a node; the name of what it gives."""
        from onnx import helper

        name = f"input_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def as_float(self, name: str, low: float, high: float) -> str:
        """NaN becomes 0, the rest is clipped, and float64 becomes float32."""
        from onnx import TensorProto

        zero = self.held("zero", np.array(0.0))
        unknown = self.node("IsNaN", [name])
        filled = self.node("Where", [unknown, zero, name])
        bounds = [self.held("low", np.array(low)), self.held("high", np.array(high))]
        return self.node("Cast", [self.node("Clip", [filled, *bounds])], to=TensorProto.FLOAT)
