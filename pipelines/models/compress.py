"""A graph with smaller numbers: 8-bit integers or 16-bit floats instead of 32-bit floats.

What fits which graph, as measured on ONNX Runtime: dense layers gain from dynamic int8, whose
activations are scaled as they come, each row by itself (`int8_rows.py`); convolutions are many
times slower with it, and want static int8, whose scales are found beforehand on real rows
(quantise-dequantise pairs, one scale a channel). fp16 halves the file and nothing else. Trees hold
thresholds and no weights: there is nothing to gain.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipelines.errors import ModelError
from pipelines.inference.encode import Tensors
from pipelines.models import int8_rows

_LAYERS = [*int8_rows.DENSE, "Conv"]
_WORTH_HALVING = 64


def compress(kind: str, graph: bytes, rows: Tensors, family: str) -> bytes:
    """The compressed graph, serialized; the same graph and rows give the same bytes.

    Args:
        kind: `dynamic_int8`, `static_int8` or `fp16`.
        graph: the exported graph.
        rows: what static int8 is calibrated on, a few hundred ordinary rows.
        family: for messages.

    Raises:
        ModelError: the graph has no layers with weights, it is not right for this kind, or it
            did not get smaller.
    """
    import onnx

    found = {node.op_type for node in onnx.load_from_string(graph).graph.node}
    if not found & set(_LAYERS):
        raise _refused(kind, f"{family} has no layers of weights to compress", "none")
    if kind == "dynamic_int8" and "Conv" in found:
        raise _refused(kind, "convolutions are many times slower with it", "static_int8 or fp16")
    made = KINDS[kind](graph, rows)
    if len(made) >= len(graph):
        reason = f"the graph of {len(graph):,} bytes did not get smaller: {len(made):,}"
        raise _refused(kind, reason, "none")
    return made


def _dynamic_int8(graph: bytes, _: Tensors) -> bytes:
    return int8_rows.quantised(graph)


def _static_int8(graph: bytes, rows: Tensors) -> bytes:
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with _files(graph) as (source, target):
        prepared = source.with_name("prepared.onnx")
        # Symbolic shapes of string inputs are beyond it; what is needed is found without.
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            target,
            _Rows(rows),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=_LAYERS,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return target.read_bytes()


def _fp16(graph: bytes, _: Tensors) -> bytes:
    """Weights as 16-bit floats in the file; they are widened when it is loaded, and computed with
    in 32 bits, because processors are no faster with 16."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load_from_string(graph)
    body = model.graph
    for number, tensor in enumerate(list(body.initializer)):
        weights = numpy_helper.to_array(tensor)
        if weights.dtype != np.float32 or weights.size < _WORTH_HALVING:
            continue
        name = f"{tensor.name}_fp16"
        body.initializer.remove(tensor)
        body.initializer.append(numpy_helper.from_array(weights.astype(np.float16), name))
        widen = helper.make_node("Cast", [name], [tensor.name], f"widen_{number}")
        widen.attribute.append(helper.make_attribute("to", TensorProto.FLOAT))
        body.node.insert(0, widen)
    serialized: bytes = model.SerializeToString(deterministic=True)
    return serialized


KINDS: dict[str, Callable[[bytes, Tensors], bytes]] = {
    "dynamic_int8": _dynamic_int8,
    "static_int8": _static_int8,
    "fp16": _fp16,
}


class _Rows:
    """Rows for calibration, in the form that ONNX Runtime asks for: one batch, then nothing."""

    def __init__(self, rows: Tensors) -> None:
        self._left: list[dict[str, Any]] = [dict(rows)]

    def get_next(self) -> dict[str, Any] | None:
        return self._left.pop() if self._left else None

    def set_range(self, start_index: int, end_index: int) -> None:
        """Asked for by the base class's protocol; there is one batch only."""

    def __len__(self) -> int:
        return 1


@contextmanager
def _files(graph: bytes) -> Iterator[tuple[Path, Path]]:
    """The graph in a file, and a file for the answer: the tools take nothing else."""
    # They say at length that a graph should be prepared, which it is where it helps.
    log = logging.getLogger()
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        with tempfile.TemporaryDirectory(prefix="evergreen-compress-") as folder:
            source = Path(folder) / "source.onnx"
            source.write_bytes(graph)
            yield source, Path(folder) / "target.onnx"
    finally:
        log.setLevel(before)


def _refused(kind: str, problem: str, instead: str) -> ModelError:
    return ModelError(
        f"{kind} does not fit: {problem}",
        where="params.yaml: train.compress",
        next_step=f"set it to {instead}",
    )
