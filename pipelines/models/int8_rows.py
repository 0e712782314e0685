"""Dense layers with 8-bit weights, whose inputs are scaled to 8 bits row by row as they come.

The scale of an activation must be that of its row. ONNX has an operator that finds one scale for
all rows of a request (DynamicQuantizeLinear, which the usual tools use): with it a row's answer
depends on the rows that it is asked with, by as much as 0.02 in a probability where one of them
is extreme, and a model that is asked one by one is another model than the one that was judged.

Weights have one scale a column and stay within 7 bits: older processors (AVX2) add two products of
8 bits in 16, which overflows, silently, with larger ones. Within them the sums are exact, and every
processor finds the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

# Of an activation, around its zero in the middle of 0..255, and of a weight.
_LARGEST = 127.0
_ZERO = 128
_LARGEST_WEIGHT = 63.0
# The scale of a row of zeros may be anything but 0.
_LEAST = np.float32(1e-30)
DENSE = ("MatMul", "Gemm")
# The version of ONNX's operators since which the axes of a reduction are an input.
_AXES_ARE_INPUTS = 18


def quantised(graph: bytes) -> bytes:
    """The graph with every dense layer in 8 bits; what is no layer with weights stays.

    Args:
        graph: serialized.
    """
    import onnx
    from onnx import numpy_helper

    model = onnx.load_from_string(graph)
    body = model.graph
    held = {each.name: numpy_helper.to_array(each) for each in body.initializer}
    [opset] = [each.version for each in model.opset_import if not each.domain]
    nodes: list[Any] = []
    for number, node in enumerate(body.node):
        made = _Layer(number, node, held, opset) if _has_weights(node, held) else None
        nodes += made.nodes if made is not None else [node]
        if made is not None:
            body.initializer.extend(made.arrays)
    kept = [type(node).FromString(node.SerializeToString()) for node in nodes]
    del body.node[:]
    body.node.extend(kept)
    needed = {name for node in kept for name in node.input}
    arrays = [each for each in body.initializer if each.name in needed]
    copies = [type(each).FromString(each.SerializeToString()) for each in arrays]
    del body.initializer[:]
    body.initializer.extend(copies)
    serialized: bytes = model.SerializeToString(deterministic=True)
    return serialized


def _has_weights(node: Any, held: dict[str, npt.NDArray[Any]]) -> bool:
    """Whether a node multiplies rows, as they are, with a matrix that the graph holds."""
    if node.op_type not in DENSE or node.input[0] in held:
        return False
    weights = held.get(node.input[1])
    is_matrix = weights is not None and weights.ndim == 2 and weights.dtype == np.float32
    told = {each.name: each for each in node.attribute}
    is_turned = "transA" in told and told["transA"].i
    is_scaled = any(told[name].f != 1.0 for name in ("alpha", "beta") if name in told)
    return is_matrix and not is_turned and not is_scaled


class _Layer:
    """One dense layer, as nodes and the arrays that they need."""

    def __init__(
        self, number: int, node: Any, held: dict[str, npt.NDArray[Any]], opset: int
    ) -> None:
        self._opset = opset
        self.nodes: list[Any] = []
        self.arrays: list[Any] = []
        self._name = f"int8_{number}"
        weights = held[node.input[1]]
        if any(each.name == "transB" and each.i for each in node.attribute):
            weights = weights.T
        columns = np.maximum(np.abs(weights).max(axis=0), _LEAST) / np.float32(_LARGEST_WEIGHT)
        small = np.rint(weights / columns).astype(np.int8)

        rows = self._scale_of_rows(node.input[0])
        scaled = self._node("Round", self._node("Div", node.input[0], rows))
        middle = self._held("middle", np.array(_ZERO, np.float32))
        bytes_ = self._cast(self._node("Add", scaled, middle), np.uint8)
        zero = self._held("zero", np.array(_ZERO, np.uint8))
        sums = self._node("MatMulInteger", bytes_, self._held("weights", small), zero)
        product = self._node("Mul", self._cast(sums, np.float32), rows)
        has_bias = len(node.input) > 2 and bool(node.input[2])
        last = None if has_bias else node.output[0]
        product = self._node("Mul", product, self._held("columns", columns), output=last)
        if has_bias:
            self._node("Add", product, node.input[2], output=node.output[0])

    def _scale_of_rows(self, rows: str) -> str:
        """What a row is divided by, so that its largest number becomes 127; shape (rows, 1)."""
        sizes = self._node("Abs", rows)
        if self._opset < _AXES_ARE_INPUTS:
            largest = self._node("ReduceMax", sizes, axes=[-1], keepdims=1)
        else:
            last = self._held("last", np.array([-1], dtype=np.int64))
            largest = self._node("ReduceMax", sizes, last, keepdims=1)
        kept = self._node("Max", largest, self._held("least", np.array(_LEAST)))
        return self._node("Div", kept, self._held("largest", np.array(_LARGEST, np.float32)))

    def _node(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        from onnx import helper

        name = output or f"{self._name}_{len(self.nodes)}"
        self.nodes.append(
            helper.make_node(kind, list(inputs), [name], f"{name}_made", **attributes)
        )
        return name

    def _cast(self, name: str, kind: type[np.generic]) -> str:
        from onnx import helper

        return self._node("Cast", name, to=helper.np_dtype_to_tensor_dtype(np.dtype(kind)))

    def _held(self, name: str, array: npt.NDArray[Any]) -> str:
        from onnx import numpy_helper

        self.arrays.append(numpy_helper.from_array(array, f"{self._name}_{name}"))
        return f"{self._name}_{name}"
