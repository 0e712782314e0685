"""The same computation has one form, however its nodes were ordered and its tensors named."""

from __future__ import annotations

import random

import numpy as np
import onnxruntime
import pytest
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper

from pipelines.models.neural.canonical import canonical

NUMBERS = np.array([[1.0, -2.0], [3.0, 4.0]], dtype=np.float32)


def model(seed: int | None = None) -> ModelProto:
    """Two outputs that share a node. With a seed: other names, another order, other notes."""
    draw = random.Random(seed)
    suffix = "" if seed is None else f"__{seed}"

    def named(name: str) -> str:
        return name if name in {"numbers", "low", "high"} else name + suffix

    made = [
        ("Mul", ["numbers", "two"], ["doubled"], {}),
        ("Add", ["doubled", "one"], ["sum"], {}),
        ("Clip", ["sum", "", "one"], ["low"], {}),
        ("Split", ["doubled"], ["left", "right"], {"axis": 1, "num_outputs": 2}),
        ("Concat", ["right", "left"], ["high"], {"axis": 1}),
        ("Neg", ["sum"], ["unused"], {}),
    ]
    nodes = [
        helper.make_node(
            kind,
            [named(each) if each else "" for each in inputs],
            [named(each) for each in outputs],
            name=f"{kind}{suffix}",
            doc_string=suffix,
            **attributes,
        )
        for kind, inputs, outputs, attributes in made
    ]
    held = [
        numpy_helper.from_array(np.array(value, dtype=np.float32), named(name))
        for name, value in (("one", 1), ("two", 2), ("stray", 9))
    ]
    if seed is not None:
        draw.shuffle(nodes)
        draw.shuffle(held)
        for node in nodes:
            attributes = list(node.attribute)
            draw.shuffle(attributes)
            del node.attribute[:]
            node.attribute.extend(attributes)
    inputs = [helper.make_tensor_value_info("numbers", TensorProto.FLOAT, ["rows", 2])]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", 2])
        for name in ("low", "high")
    ]
    graph = helper.make_graph(nodes, "g", inputs, outputs, held, doc_string=suffix)
    whole = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    whole.ir_version = 10
    whole.producer_name = f"converter{suffix}"
    return whole


def formed(seed: int | None) -> ModelProto:
    whole = model(seed)
    canonical(whole)
    return whole


@pytest.mark.parametrize("seed", range(8))
def test_order_and_names_leave_no_trace(seed: int) -> None:
    expected = formed(None).SerializeToString(deterministic=True)
    assert model(seed).SerializeToString(deterministic=True) != expected
    assert formed(seed).SerializeToString(deterministic=True) == expected


def test_it_computes_what_it_did() -> None:
    before = onnxruntime.InferenceSession(model().SerializeToString())
    after = onnxruntime.InferenceSession(formed(3).SerializeToString())
    for one, two in zip(
        before.run(["low", "high"], {"numbers": NUMBERS}),
        after.run(["low", "high"], {"numbers": NUMBERS}),
        strict=True,
    ):
        assert np.array_equal(one, two)


def test_what_no_output_needs_is_dropped_and_the_rest_is_valid() -> None:
    whole = formed(5)
    checker.check_model(whole, full_check=True)
    assert sorted(node.op_type for node in whole.graph.node) == [
        "Add",
        "Clip",
        "Concat",
        "Mul",
        "Split",
    ]
    assert len(whole.graph.initializer) == 2


def test_twice_is_as_once() -> None:
    once = formed(1)
    twice = ModelProto.FromString(once.SerializeToString())
    canonical(twice)
    assert twice.SerializeToString(deterministic=True) == once.SerializeToString(deterministic=True)
