"""Layers in 8 bits: which nodes are taken, which are left, and how near the sums stay."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from pipelines.models.int8_rows import quantised

DRAW = np.random.default_rng(0)
WEIGHTS = DRAW.normal(size=(20, 6)).astype(np.float32)
BIAS = DRAW.normal(size=6).astype(np.float32)
ROWS = DRAW.normal(size=(50, 20)).astype(np.float32)


def graph(node: Any, opset: int = 18, **arrays: np.ndarray) -> bytes:
    """One node, from rows of 20 to rows of 6."""
    made = helper.make_graph(
        [node],
        "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", 20])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", 6])],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 10
    return bytes(model.SerializeToString())


def run(serialized: bytes, rows: np.ndarray) -> np.ndarray:
    return np.asarray(onnxruntime.InferenceSession(serialized).run(None, {"x": rows})[0])


MATMUL = graph(helper.make_node("MatMul", ["x", "w"], ["y"]), w=WEIGHTS)
GEMM = graph(helper.make_node("Gemm", ["x", "w", "b"], ["y"]), w=WEIGHTS, b=BIAS)
TURNED = graph(
    helper.make_node("Gemm", ["x", "w", "b"], ["y"], transB=1),
    w=np.ascontiguousarray(WEIGHTS.T),
    b=BIAS,
)


OLD = graph(helper.make_node("MatMul", ["x", "w"], ["y"]), opset=13, w=WEIGHTS)


@pytest.mark.parametrize(
    "layer", [MATMUL, GEMM, TURNED, OLD], ids=["matmul", "gemm", "turned", "opset 13"]
)
def test_a_layer_stays_what_it_is_within_its_bits(layer: bytes) -> None:
    small = quantised(layer)
    onnx.checker.check_model(onnx.load_from_string(small))
    kinds = {node.op_type for node in onnx.load_from_string(small).graph.node}
    assert "MatMulInteger" in kinds
    assert not kinds & {"MatMul", "Gemm"}
    exact, found = run(layer, ROWS), run(small, ROWS)
    # Half a step of 63 in a weight and of 127 in a number, twenty of which are added up.
    assert 0 < np.abs(found - exact).max() < 0.04 * np.abs(exact).max()


def test_every_row_has_a_scale_of_its_own() -> None:
    """A row a million times as large takes nothing from the others, nor does a row of zeros."""
    small = quantised(MATMUL)
    rows = ROWS.copy()
    rows[1] *= 1e6
    rows[2] = 0.0
    found = run(small, rows)
    others = np.delete(np.arange(50), [1, 2])
    assert np.array_equal(found[others], run(small, ROWS)[others])
    assert np.array_equal(found[2], np.zeros(6))
    assert found[1] == pytest.approx(1e6 * run(small, ROWS)[1], rel=1e-4)
    assert np.array_equal(np.concatenate([run(small, row[None]) for row in rows]), found)


def test_products_of_two_cannot_overflow_16_bits() -> None:
    """What AVX2 adds up in 16 bits: the worst pair of an activation and a weight, twice."""
    weights = [
        numpy_helper.to_array(each)
        for each in onnx.load_from_string(quantised(MATMUL)).graph.initializer
    ]
    [small] = [each for each in weights if each.dtype == np.int8]
    assert np.abs(small).max() == 63
    assert 255 * int(np.abs(small).max()) * 2 < 2**15


@pytest.mark.parametrize(
    "layer",
    [
        graph(helper.make_node("Gemm", ["x", "w"], ["y"], alpha=2.0), w=WEIGHTS),
        graph(helper.make_node("MatMul", ["x", "w"], ["y"]), w=WEIGHTS[None]),
    ],
    ids=["scaled", "not a matrix"],
)
def test_a_node_that_is_no_plain_layer_is_left_alone(layer: bytes) -> None:
    kinds = [node.op_type for node in onnx.load_from_string(quantised(layer)).graph.node]
    assert "MatMulInteger" not in kinds


def test_the_weights_that_are_not_needed_any_more_are_gone() -> None:
    arrays = onnx.load_from_string(quantised(MATMUL)).graph.initializer
    assert "w" not in {each.name for each in arrays}
    assert quantised(MATMUL) == quantised(MATMUL)
