"""scikit-learn families on columns: preprocessing, and export with the preprocessing inside.

The recipe that keeps a graph within 1e-6 of scikit-learn: numbers enter as float64, are scaled in
float64, become float32 once, and are imputed after that. See docs/adr/0003-onnx-parity.md.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipelines.models import resume
from pipelines.models.base import Scores
from pipelines.schema import CATEGORIES, LABEL, NUMBERS, PROBABILITIES, VALUE, Schema

OPSET = 18


@dataclass(frozen=True)
class Tabular:
    """A fitted preprocessing and a fitted classifier or regressor on top of it.

    Attributes:
        family: what it was trained with; "" if nobody is going to go on from it.
        scale: mean and deviation of the target, where they were folded into the model.
    """

    preprocessing: Any
    model: Any
    schema: Schema
    family: str = ""
    scale: tuple[float, float] | None = None

    def save(self, folder: Path) -> None:
        """Write what a later, incremental training goes on from."""
        resume.write(folder, self.family, self)

    def scores(self, frame: pd.DataFrame) -> Scores:
        prepared = self.preprocessing.transform(frame)
        if self.schema.task == "regression":
            return np.asarray(self.model.predict(prepared), dtype=np.float64)
        answer = np.asarray(self.model.predict_proba(prepared), dtype=np.float64)
        return answer[:, 1] if self.schema.task == "binary" else answer

    def to_onnx(self, name: str) -> bytes:
        from onnx.helper import make_opsetid
        from skl2onnx import convert_sklearn
        from skl2onnx.common.data_types import (
            DoubleTensorType,
            FloatTensorType,
            Int64TensorType,
            StringTensorType,
        )
        from sklearn.pipeline import Pipeline

        inputs: list[tuple[str, Any]] = []
        if self.schema.numbers:
            inputs.append((NUMBERS, DoubleTensorType([None, len(self.schema.numbers)])))
        if self.schema.categories:
            inputs.append((CATEGORIES, StringTensorType([None, len(self.schema.categories)])))
        if self.schema.task == "regression":
            options, outputs = None, [(VALUE, FloatTensorType([None, 1]))]
        else:
            options = {id(self.model): {"zipmap": False}}
            classes = len(self.schema.classes) or 2
            outputs = [
                (LABEL, Int64TensorType([None])),
                (PROBABILITIES, FloatTensorType([None, classes])),
            ]
        with warnings.catch_warnings():
            # The converter reads attributes that scikit-learn is about to drop.
            warnings.simplefilter("ignore", FutureWarning)
            graph = convert_sklearn(
                Pipeline([("preprocessing", self.preprocessing), ("model", self.model)]),
                name=name,  # without a name the graph gets a random one, and its digest changes
                initial_types=inputs,
                final_types=outputs,
                options=options,
                target_opset=OPSET,
            )
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
