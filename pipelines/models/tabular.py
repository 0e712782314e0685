"""scikit-learn families on columns: preprocessing, and export with the preprocessing inside.

The recipe that keeps a graph within 1e-6 of scikit-learn: numbers enter as float64, are scaled in
float64, become float32 once, and are imputed after that. See docs/adr/0003-onnx-parity.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.schema import CATEGORIES, NUMBERS, PROBABILITIES, Schema

OPSET = 18


@dataclass(frozen=True)
class Tabular:
    """A fitted preprocessing and a fitted classifier on top of it."""

    preprocessing: Any
    classifier: Any
    schema: Schema

    def probabilities(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        prepared = self.preprocessing.transform(frame)
        answer: npt.NDArray[np.float64] = self.classifier.predict_proba(prepared)[:, 1]
        return answer.astype(np.float64)

    def to_onnx(self, name: str) -> bytes:
        from onnx.helper import make_opsetid
        from skl2onnx import convert_sklearn
        from skl2onnx.common.data_types import DoubleTensorType, StringTensorType
        from sklearn.pipeline import Pipeline

        inputs: list[tuple[str, Any]] = []
        if self.schema.numbers:
            inputs.append((NUMBERS, DoubleTensorType([None, len(self.schema.numbers)])))
        if self.schema.categories:
            inputs.append((CATEGORIES, StringTensorType([None, len(self.schema.categories)])))
        graph = convert_sklearn(
            Pipeline([("preprocessing", self.preprocessing), ("classifier", self.classifier)]),
            name=name,  # without a name the graph gets a random one, and its digest changes
            initial_types=inputs,
            options={id(self.classifier): {"zipmap": False}},
            target_opset=OPSET,
        )
        assert [output.name for output in graph.graph.output] == ["label", PROBABILITIES]
        # The converter lists them in the order of a set, which is another in every process.
        versions = sorted((each.domain, each.version) for each in graph.opset_import)
        del graph.opset_import[:]
        graph.opset_import.extend(make_opsetid(domain, number) for domain, number in versions)
        serialized: bytes = graph.SerializeToString(deterministic=True)
        return serialized


def preprocessing(schema: Schema, *, is_ordinal: bool) -> Any:
    """An unfitted transformer of `frames.features`.

    Args:
        schema: the columns.
        is_ordinal: categories as one code each (for trees) instead of one column a value.
    """
    from skl2onnx.sklapi import CastTransformer
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

    count = len(schema.numbers)
    parts: list[tuple[str, Any, list[int]]] = []
    if count:
        steps = [
            ("scale", StandardScaler()),
            ("cast", CastTransformer(dtype=np.float32)),
            ("impute", SimpleImputer(strategy="median", keep_empty_features=True)),
        ]
        parts.append((NUMBERS, Pipeline(steps), list(range(count))))
    if schema.categories:
        encoder = (
            OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, dtype=np.float32)
            if is_ordinal
            else OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float32)
        )
        parts.append((CATEGORIES, encoder, list(range(count, count + len(schema.categories)))))
    return ColumnTransformer(parts)
