"""Logistic regression on scaled numbers and one-hot categories."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.models.base import Fitted, Params
from pipelines.models.space import Knob, Real, complete
from pipelines.models.tabular import Tabular, preprocessing
from pipelines.schema import Schema


class Logistic:
    """L2-regularised logistic regression."""

    rungs = 1

    def space(self) -> dict[str, Knob]:
        return {"C": Real(1e-3, 100.0, default=1.0, is_log=True)}

    def fit(
        self,
        frame: pd.DataFrame,
        labels: npt.NDArray[np.int64],
        schema: Schema,
        params: Params,
        seed: int,
    ) -> Iterator[Fitted]:
        from sklearn.linear_model import LogisticRegression

        chosen = complete("logistic", self.space(), params)
        prepare = preprocessing(schema, is_ordinal=False)
        model = LogisticRegression(C=float(chosen["C"]), max_iter=1000, random_state=seed)
        model.fit(prepare.fit_transform(frame), labels)
        yield Tabular(prepare, model, schema)
