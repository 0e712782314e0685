"""The trivial baseline: the share of positives, whatever the row says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.models.base import Fitted, Params
from pipelines.models.space import Knob, complete
from pipelines.models.tabular import OPSET
from pipelines.schema import CATEGORIES, NUMBERS, PROBABILITIES, Schema


@dataclass(frozen=True)
class Constant:
    """One probability for every row."""

    probability: float
    schema: Schema

    def probabilities(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        return np.full(len(frame), np.float64(np.float32(self.probability)))

    def to_onnx(self, name: str) -> bytes:
        from onnx import TensorProto, helper, numpy_helper

        inputs = []
        if self.schema.numbers:
            shape = ["rows", len(self.schema.numbers)]
            inputs.append(helper.make_tensor_value_info(NUMBERS, TensorProto.DOUBLE, shape))
        if self.schema.categories:
            shape = ["rows", len(self.schema.categories)]
            inputs.append(helper.make_tensor_value_info(CATEGORIES, TensorProto.STRING, shape))
        answer = np.array([[1 - self.probability, self.probability]], dtype=np.float32)
        constants = {
            "answer": answer,
            "winner": np.array([int(answer.argmax())], dtype=np.int64),
            "two": np.array([2], dtype=np.int64),
        }
        nodes = [
            helper.make_node("Shape", [inputs[0].name], ["rows"], start=0, end=1),
            helper.make_node("Concat", ["rows", "two"], ["shape"], axis=0),
            helper.make_node("Expand", ["winner", "rows"], ["label"]),
            helper.make_node("Expand", ["answer", "shape"], [PROBABILITIES]),
        ]
        graph = helper.make_graph(
            nodes,
            name,
            inputs,
            [
                helper.make_tensor_value_info("label", TensorProto.INT64, ["rows"]),
                helper.make_tensor_value_info(PROBABILITIES, TensorProto.FLOAT, ["rows", 2]),
            ],
            [numpy_helper.from_array(value, key) for key, value in constants.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
        model.ir_version = 10
        serialized: bytes = model.SerializeToString(deterministic=True)
        return serialized


class Baseline:
    """What any model has to beat."""

    rungs = 1

    def space(self) -> dict[str, Knob]:
        return {}

    def fit(
        self,
        frame: pd.DataFrame,  # noqa: ARG002
        labels: npt.NDArray[np.int64],
        schema: Schema,
        params: Params,
        seed: int,  # noqa: ARG002
    ) -> Iterator[Fitted]:
        complete("baseline", self.space(), params)
        yield Constant(float(labels.mean()), schema)
