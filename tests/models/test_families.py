"""Every family of the registry keeps one contract: rungs, bytes, parity, odd data."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
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
from pipelines.models.base import Family, Fitted, Training, last
from pipelines.models.space import defaults
from pipelines.schema import Schema, Task
from pipelines.signature import MODEL_FILE, Signature, digest
from pipelines.statistics import quality
from tests.small import SCHEMA, table, tasked

# What a float32 probability can hold, and a little for the sums before it.
TOLERANCE = 1e-6
# Kernels and layers add up many float32 products; the project allows 1e-4.
LOOSER = {"svm": 2e-5, "mlp": 5e-6, "sgd": 5e-6, "keras_mlp": 5e-6}
QUICK: dict[str, dict[str, Any]] = {
    "hist_gradient_boosting": {"max_iter": 12},
    "forest": {"n_estimators": 12, "max_depth": 8},
    "mlp": {"max_iter": 20, "hidden": 12},
    "sgd": {"epochs": 5},
    "keras_mlp": {"units": 16, "epochs": 9, "learning_rate_scale": 5.0},
}
# They take images only, and keep the same contract in test_keras_cnn.py and test_alexnet.py.
OF_IMAGES = {"keras_cnn", "alexnet"}
OF_TABLES = sorted(registry.MODEL_FAMILIES.keys() - OF_IMAGES)
# What each reaches on later rows of the small table, less a little.
REACHED: dict[Task, float] = {"binary": 0.75, "multiclass": 0.6, "regression": -9.0}


def family(name: str) -> Family:
    made: Family = registry.load(registry.MODEL_FAMILIES, name)()
    return made


every_family = pytest.mark.parametrize("name", OF_TABLES)
every_pair = pytest.mark.parametrize(
    ("name", "task"),
    [(name, task) for name in OF_TABLES for task in sorted(family(name).tasks)],
)


def training(name: str, frame: pd.DataFrame, schema: Schema = SCHEMA) -> Training:
    return Training(
        features(frame, schema), labels(frame, schema), schema, QUICK.get(name, {}), seed=1
    )


def fit(name: str, frame: pd.DataFrame, schema: Schema = SCHEMA) -> Fitted:
    return last(family(name).fit(training(name, frame, schema)))


def opened(fitted: Fitted, schema: Schema, folder: Path) -> ModelSession:
    (folder / MODEL_FILE).write_bytes(fitted.to_onnx("shop"))
    Signature("shop", "any", schema, digest(folder / MODEL_FILE), {}).write(folder)
    return ModelSession.open(folder)


def worst(name: str, frame: pd.DataFrame, schema: Schema, folder: Path) -> dict[str, float]:
    """The largest difference of training code and graph, for each kind of row."""
    fitted = fit(name, frame, schema)
    session = opened(fitted, schema, folder)
    return parity.differences(fitted, session, parity.cases(frame, schema, 3))


@every_pair
def test_it_yields_as_many_rungs_as_it_says(name: str, task: Task) -> None:
    frame, schema = tasked(table(400), task)
    given = training(name, frame, schema)
    rungs = list(family(name).fit(given))
    assert len(rungs) == family(name).rungs
    for fitted in rungs:
        said = fitted.scores(given.frame)
        assert said.dtype == np.float64
        assert said.shape == ((400, 3) if task == "multiclass" else (400,))
        if task != "regression":
            assert ((said >= 0) & (said <= 1)).all()
        if task == "multiclass":
            assert np.allclose(said.sum(axis=1), 1)


@every_family
def test_an_earlier_rung_is_not_changed_by_a_later_one(name: str) -> None:
    given = training(name, table(400))
    rungs = family(name).fit(given)
    first = next(rungs)
    before = first.scores(given.frame)
    list(rungs)
    assert np.array_equal(first.scores(given.frame), before)


@every_pair
def test_it_learns_what_there_is_to_learn(name: str, task: Task) -> None:
    frame, schema = tasked(table(2000), task)
    later, _ = tasked(table(2000, seed=9), task)
    said = fit(name, frame, schema).scores(features(later, schema))
    reached = quality.goodness(task, labels(later, schema), said)
    assert (reached > REACHED[task]) == (name != "baseline"), reached


@every_pair
def test_the_graph_answers_as_the_model_does(name: str, task: Task, tmp_path: Path) -> None:
    frame, schema = tasked(table(1500), task)
    found = worst(name, frame, schema, tmp_path)
    assert set(found) == {"ordinary", "boundary", "missing", "unseen category"}
    assert max(found.values()) <= LOOSER.get(name, TOLERANCE), found


@every_pair
def test_the_same_rows_give_the_same_bytes(name: str, task: Task) -> None:
    frame, schema = tasked(table(500), task)
    assert fit(name, frame, schema).to_onnx("shop") == fit(name, frame, schema).to_onnx("shop")


def test_the_same_bytes_in_processes_with_other_hash_seeds() -> None:
    # These two seeds put the converter's set of operator versions in different orders.
    assert _digests("0") == _digests("1")


def _digests(hash_seed: str) -> str:
    code = (
        "import hashlib\n"
        "from pipelines import registry\n"
        "from tests.models.test_families import OF_TABLES, fit\n"
        "from tests.small import table\n"
        "for name in OF_TABLES:\n"
        "    print(name, hashlib.sha256(fit(name, table(500)).to_onnx('shop')).hexdigest())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(done.stdout.splitlines()) == len(OF_TABLES)
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
    assert max(found.values()) <= LOOSER.get(name, TOLERANCE), found


@every_family
def test_one_row_is_answered_as_it_is_among_many(name: str, tmp_path: Path) -> None:
    frame = table(300)
    fitted = fit(name, frame)
    session = opened(fitted, SCHEMA, tmp_path)
    rows = parity.cases(frame, SCHEMA, 3)["ordinary"]
    whole = fitted.scores(features(rows, SCHEMA))
    one = features(rows.iloc[[7]], SCHEMA)
    assert fitted.scores(one)[0] == pytest.approx(whole[7], abs=1e-12)
    found = parity.differences(fitted, session, {"one": rows.iloc[[7]]})
    assert found["one"] <= LOOSER.get(name, TOLERANCE)


@every_family
def test_a_hyperparameter_that_it_does_not_have_is_named(name: str) -> None:
    frame = table(50)
    with pytest.raises(ModelError, match=f"{name} has no hyperparameter 'depth'") as caught:
        next(family(name).fit(replace(training(name, frame), params={"depth": 3})))
    for knob in family(name).space():
        assert knob in str(caught.value)


@every_family
def test_its_defaults_are_inside_its_space(name: str) -> None:
    space = family(name).space()
    for knob, value in defaults(space).items():
        distribution = space[knob].distribution()
        assert distribution._contains(distribution.to_internal_repr(value)), knob
