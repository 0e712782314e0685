"""The trivial baseline: one answer for every row, whatever the row says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.models.base import Fitted, Scores, Training
from pipelines.models.space import Knob, complete
from pipelines.models.tabular import OPSET
from pipelines.schema import CATEGORIES, LABEL, NUMBERS, PROBABILITIES, VALUE, Schema, Task
from pipelines.statistics.constant import best_constant, repeated


@dataclass(frozen=True)
class Constant:
    """The same answer for every row."""

    answer: npt.NDArray[np.float64]
    schema: Schema

    def scores(self, frame: pd.DataFrame) -> Scores:
        # The graph holds float32.
        answer = self.answer.astype(np.float32).astype(np.float64)
        return repeated(answer, len(frame), self.schema.task)

    def to_onnx(self, name: str) -> bytes:
        from onnx import TensorProto, helper, numpy_helper

        inputs = []
        if self.schema.numbers:
            shape = ["rows", len(self.schema.numbers)]
            inputs.append(helper.make_tensor_value_info(NUMBERS, TensorProto.DOUBLE, shape))
        if self.schema.categories:
            shape = ["rows", len(self.schema.categories)]
            inputs.append(helper.make_tensor_value_info(CATEGORIES, TensorProto.STRING, shape))
        width = len(self.answer)
        is_regression = self.schema.task == "regression"
        answered = VALUE if is_regression else PROBABILITIES
        constants = {
            "answer": self.answer.astype(np.float32)[None, :],
            "width": np.array([width], dtype=np.int64),
        }
        nodes = [
            helper.make_node("Shape", [inputs[0].name], ["rows"], start=0, end=1),
            helper.make_node("Concat", ["rows", "width"], ["shape"], axis=0),
            helper.make_node("Expand", ["answer", "shape"], [answered]),
        ]
        outputs = [helper.make_tensor_value_info(answered, TensorProto.FLOAT, ["rows", width])]
        if not is_regression:
            constants["winner"] = np.array([int(self.answer.argmax())], dtype=np.int64)
            nodes.append(helper.make_node("Expand", ["winner", "rows"], [LABEL]))
            outputs.insert(0, helper.make_tensor_value_info(LABEL, TensorProto.INT64, ["rows"]))
        held = [numpy_helper.from_array(value, key) for key, value in constants.items()]
        graph = helper.make_graph(nodes, name, inputs, outputs, held)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
        model.ir_version = 10
        serialized: bytes = model.SerializeToString(deterministic=True)
        return serialized


class Baseline:
    """What any model has to beat."""

    tasks: frozenset[Task] = frozenset({"binary", "multiclass", "regression"})
    rungs = 1
    can_continue = False

    def space(self) -> dict[str, Knob]:
        return {}

    def fit(self, training: Training) -> Iterator[Fitted]:
        complete("baseline", self.space(), training.params)
        yield Constant(best_constant(training.labels, training.schema), training.schema)
