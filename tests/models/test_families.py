"""Every family of the registry keeps one contract: rungs, bytes, parity, odd data."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipelines import registry
from pipelines.errors import ModelError
from pipelines.frames import features, labels
from pipelines.inference.session import ModelSession
from pipelines.models import parity
from pipelines.models.base import Family, Fitted, last
from pipelines.models.space import defaults
from pipelines.schema import Schema
from pipelines.signature import MODEL_FILE, Signature, digest
from pipelines.statistics.auc import auc
from tests.small import SCHEMA, table

# What a float32 probability can hold, and a little for the sums before it.
TOLERANCE = 1e-6
QUICK: dict[str, dict[str, Any]] = {
    "hist_gradient_boosting": {"max_iter": 12},
    "keras_mlp": {"units": 16, "epochs": 9, "learning_rate_scale": 5.0},
    "keras_cnn": {"filters": 4, "units": 16, "epochs": 3},
    "alexnet": {"width": 0.125, "epochs": 3},
}

every_family = pytest.mark.parametrize("name", sorted(registry.MODEL_FAMILIES))


def family(name: str) -> Family:
    made: Family = registry.load(registry.MODEL_FAMILIES, name)()
    return made


def fit(name: str, frame: pd.DataFrame, schema: Schema = SCHEMA, seed: int = 1) -> Fitted:
    rungs = family(name).fit(
        features(frame, schema), labels(frame, schema), schema, QUICK.get(name, {}), seed
    )
    return last(rungs)


def opened(fitted: Fitted, schema: Schema, folder: Path) -> ModelSession:
    (folder / MODEL_FILE).write_bytes(fitted.to_onnx("shop"))
    Signature("shop", "any", schema, digest(folder / MODEL_FILE), {}).write(folder)
    return ModelSession.open(folder)


def worst(name: str, frame: pd.DataFrame, schema: Schema, folder: Path) -> dict[str, float]:
    """The largest |dp| between training code and graph, for each kind of row."""
    fitted = fit(name, frame, schema)
    session = opened(fitted, schema, folder)
    return parity.differences(fitted, session, parity.cases(frame, schema, 3))


@every_family
def test_it_yields_as_many_rungs_as_it_says(name: str) -> None:
    frame = table(400)
    known, answers = features(frame, SCHEMA), labels(frame, SCHEMA)
    rungs = list(family(name).fit(known, answers, SCHEMA, QUICK.get(name, {}), 1))
    assert len(rungs) == family(name).rungs
    for fitted in rungs:
        said = fitted.probabilities(known)
        assert said.shape == (400,)
        assert said.dtype == np.float64
        assert ((said >= 0) & (said <= 1)).all()


@every_family
def test_an_earlier_rung_is_not_changed_by_a_later_one(name: str) -> None:
    frame = table(400)
    known, answers = features(frame, SCHEMA), labels(frame, SCHEMA)
    rungs = family(name).fit(known, answers, SCHEMA, QUICK.get(name, {}), 1)
    first = next(rungs)
    before = first.probabilities(known)
    list(rungs)
    assert np.array_equal(first.probabilities(known), before)


@every_family
def test_it_learns_what_there_is_to_learn(name: str) -> None:
    frame, later = table(2000), table(2000, seed=9)
    said = fit(name, frame).probabilities(features(later, SCHEMA))
    reached = auc(labels(later, SCHEMA), said)
    assert reached == 0.5 if name == "baseline" else reached > 0.75


@every_family
def test_the_graph_answers_as_the_model_does(name: str, tmp_path: Path) -> None:
    found = worst(name, table(1500), SCHEMA, tmp_path)
    assert set(found) == {"ordinary", "boundary", "missing", "unseen category"}
    assert max(found.values()) <= TOLERANCE, found


@every_family
def test_the_same_rows_give_the_same_bytes(name: str) -> None:
    assert fit(name, table(500)).to_onnx("shop") == fit(name, table(500)).to_onnx("shop")


def test_the_same_bytes_in_processes_with_other_hash_seeds() -> None:
    # These two seeds put the converter's set of operator versions in different orders.
    assert _digests("0") == _digests("1")


def _digests(hash_seed: str) -> str:
    code = (
        "import hashlib\n"
        "from pipelines import registry\n"
        "from tests.models.test_families import fit\n"
        "from tests.small import table\n"
        "for name in sorted(registry.MODEL_FAMILIES):\n"
        "    print(name, hashlib.sha256(fit(name, table(500)).to_onnx('shop')).hexdigest())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(done.stdout.splitlines()) == len(registry.MODEL_FAMILIES)
    return done.stdout


def _only_numbers(frame: pd.DataFrame) -> tuple[pd.DataFrame, Schema]:
    return frame, Schema(SCHEMA.numbers, (), "left")


def _only_categories(frame: pd.DataFrame) -> tuple[pd.DataFrame, Schema]:
    return frame, Schema((), SCHEMA.categories, "left")


def _constant_column(frame: pd.DataFrame) -> tuple[pd.DataFrame, Schema]:
    return frame.assign(age=7.0, city="Oslo"), SCHEMA


def _empty_columns(frame: pd.DataFrame) -> tuple[pd.DataFrame, Schema]:
    return frame.assign(age=np.nan, city=None), SCHEMA


def _all_numbers_empty(frame: pd.DataFrame) -> tuple[pd.DataFrame, Schema]:
    return frame.assign(age=np.nan), Schema(("age",), (), "left")


def _odd_names(frame: pd.DataFrame) -> tuple[pd.DataFrame, Schema]:
    names = {"age": "âge [yrs] <0>", "spend": "a.b/c:d", "city": "ville ☃", "left": "y?"}
    schema = Schema(
        ("a.b/c:d", "visits", "âge [yrs] <0>"), ("ville ☃", "plan"), target="y?", time="day"
    )
    return frame.rename(columns=names), schema


def _large_scale(frame: pd.DataFrame) -> tuple[pd.DataFrame, Schema]:
    # Beyond 2**24 neighbouring whole numbers are one float32.
    return frame.assign(spend=1e9 + frame["spend"], visits=1e-9 * frame["visits"]), SCHEMA


@every_family
@pytest.mark.parametrize(
    "odd",
    [
        _only_numbers,
        _only_categories,
        _constant_column,
        _empty_columns,
        _all_numbers_empty,
        _odd_names,
        _large_scale,
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # the mean of an empty column
def test_odd_data_keeps_its_parity(
    name: str, odd: Callable[[pd.DataFrame], tuple[pd.DataFrame, Schema]], tmp_path: Path
) -> None:
    frame, schema = odd(table(600))
    found = worst(name, frame, schema, tmp_path)
    assert max(found.values()) <= TOLERANCE, found


@every_family
def test_one_row_is_answered_as_it_is_among_many(name: str, tmp_path: Path) -> None:
    frame = table(300)
    fitted = fit(name, frame)
    session = opened(fitted, SCHEMA, tmp_path)
    rows = parity.cases(frame, SCHEMA, 3)["ordinary"]
    whole = fitted.probabilities(features(rows, SCHEMA))
    one = features(rows.iloc[[7]], SCHEMA)
    assert fitted.probabilities(one)[0] == pytest.approx(whole[7], abs=1e-12)
    found = parity.differences(fitted, session, {"one": rows.iloc[[7]]})
    assert found["one"] <= TOLERANCE


@every_family
def test_a_hyperparameter_that_it_does_not_have_is_named(name: str) -> None:
    frame = table(50)
    with pytest.raises(ModelError, match=f"{name} has no hyperparameter 'depth'") as caught:
        next(
            family(name).fit(
                features(frame, SCHEMA), labels(frame, SCHEMA), SCHEMA, {"depth": 3}, 1
            )
        )
    for knob in family(name).space():
        assert knob in str(caught.value)


@every_family
def test_its_defaults_are_inside_its_space(name: str) -> None:
    space = family(name).space()
    for knob, value in defaults(space).items():
        distribution = space[knob].distribution()
        assert distribution._contains(distribution.to_internal_repr(value)), knob
