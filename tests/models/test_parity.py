"""An export that is off is refused; the rows are such that it would be noticed."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipelines.errors import ModelError
from pipelines.frames import features, labels
from pipelines.inference.session import ModelSession
from pipelines.models import hist_gradient_boosting, parity
from pipelines.models.base import Training, last
from pipelines.models.tabular import Tabular
from pipelines.schema import Schema
from tests.models.test_families import fit, opened
from tests.small import SCHEMA, table

HGB = "hist_gradient_boosting"


def test_the_kinds_of_rows_are_what_they_say() -> None:
    frame = table(500)
    made = parity.cases(frame, SCHEMA, seed=1)
    assert len(made["ordinary"]) == 500
    boundary = made["boundary"]
    for name in SCHEMA.numbers:
        exact = frame[name].dropna().to_numpy()
        seen = boundary[name].astype(float).to_numpy()
        for value in (exact.min(), exact.max()):
            assert {value, np.nextafter(value, np.inf), np.nextafter(value, -np.inf)} <= set(seen)
        assert seen.min() < exact.min() - 1e5
    for name in SCHEMA.categories:
        assert set(frame[name].dropna()) <= set(boundary[name])
        assert (made["unseen category"][name] == parity.UNSEEN).sum() == 50
    everything = made["missing"].iloc[-1]
    assert everything.isna().all()
    assert len(made["missing"]) == 50 * len(SCHEMA.features) + 1


def test_the_rows_are_the_same_every_time_and_leave_the_frame_alone() -> None:
    frame = table(500)
    before = frame.copy()
    one, two = (parity.cases(frame, SCHEMA, seed=1) for _ in range(2))
    for kind in one:
        pd.testing.assert_frame_equal(one[kind], two[kind])
    pd.testing.assert_frame_equal(frame, before)


def test_without_float32_thresholds_parity_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """The step that rounds thresholds down earns its place: without it, rows change sides."""
    frame, schema = _at_thresholds()

    def difference() -> float:
        params = {"max_iter": 30, "min_samples_leaf": 20}
        training = Training(features(frame, schema), labels(frame, schema), schema, params, 1)
        fitted = last(hist_gradient_boosting.HistGradientBoosting().fit(training))
        return _difference(fitted, frame, schema)

    assert difference() <= 1e-6
    monkeypatch.setattr(hist_gradient_boosting, "_exportable", copy.deepcopy)
    assert difference() > 1e-3


def _difference(fitted: Any, frame: pd.DataFrame, schema: Schema) -> float:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as scratch:
        session = opened(fitted, schema, Path(scratch))
        found = parity.differences(fitted, session, {"all": frame[list(schema.features)]})
    return found["all"]


def _at_thresholds() -> tuple[pd.DataFrame, Schema]:
    """Thousands of values one float32 apart: the threshold between two of them is no float32.

    Half of the rows lie at -1 and half just above +1, which scaling leaves where they are.
    """
    steps = np.arange(3000)
    values = np.concatenate([np.full(3000, -1.0), 1.0 + steps * 2.0**-23])
    label = np.concatenate([steps % 2, steps // 100 % 2]).astype(float)
    return pd.DataFrame({"x": values, "left": label}), Schema(("x",), (), "left")


def test_a_preprocessing_in_float32_is_refused(tmp_path: Path) -> None:
    """Casting before scaling loses what large numbers differ by; the check has to see it."""
    from skl2onnx.sklapi import CastTransformer
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    schema = Schema(("spend",), (), "left")
    frame = table(1500).assign(spend=lambda rows: 1e8 + rows["spend"])
    steps = [("scale", StandardScaler()), ("cast", CastTransformer(dtype=np.float32))]

    def by_columns(chain: list[tuple[str, object]]) -> ColumnTransformer:
        return ColumnTransformer([("numbers", Pipeline(chain), [0])]).fit(features(frame, schema))

    prepare = by_columns(steps)
    model = HistGradientBoostingClassifier(max_iter=10, random_state=1)
    model.fit(prepare.transform(features(frame, schema)), labels(frame, schema))
    wrong = Tabular(by_columns(steps[::-1]), model, schema)
    right = Tabular(prepare, model, schema)
    session = opened(wrong, schema, tmp_path)
    found = parity.differences(right, session, parity.cases(frame, schema, 1))
    with pytest.raises(ModelError, match=r"differs from the trained model by .* on ordinary rows"):
        parity.require(found, 1e-4, "shop")


@pytest.mark.parametrize("value", [2e-4, float("nan"), float("inf")])
def test_a_difference_that_is_too_large_or_unknown_is_refused(value: float) -> None:
    with pytest.raises(ModelError, match="on missing rows") as caught:
        parity.require({"ordinary": 0.0, "missing": value}, 1e-4, "shop")
    assert "ordinary" not in caught.value.problem
    assert caught.value.where == "data/shop/model/model.onnx"


def test_a_difference_at_the_tolerance_is_allowed() -> None:
    parity.require({"ordinary": 1e-4}, 1e-4, "shop")


def test_a_swapped_graph_is_refused(tmp_path: Path) -> None:
    frame = table(800)
    session = opened(fit(HGB, frame), SCHEMA, tmp_path)
    other = fit(HGB, frame.assign(left=1 - frame["left"]))
    found = parity.differences(other, session, parity.cases(frame, SCHEMA, 1))
    with pytest.raises(ModelError):
        parity.require(found, 1e-4, "shop")


def test_a_session_of_the_wrong_schema_does_not_open(tmp_path: Path) -> None:
    fitted = fit(HGB, table(300))
    narrow = Schema(SCHEMA.numbers[:2], SCHEMA.categories, "left")
    with pytest.raises(ModelError, match="inputs"):
        opened(fitted, narrow, tmp_path)
    assert isinstance(opened(fitted, SCHEMA, tmp_path), ModelSession)
