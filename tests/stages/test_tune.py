"""tune finds good hyperparameters without a look at the holdout, and can be killed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipelines.errors import ModelError
from pipelines.files import read_json
from pipelines.paths import ModelPaths, home
from pipelines.stages import split, tune
from tests.small import clean, settings, table


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelPaths:
    monkeypatch.delenv("EVERGREEN_HOME", raising=False)
    found = clean(tmp_path)
    split.run(found, settings())
    return found


def outputs(paths: ModelPaths) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in paths.study.iterdir()}


def test_what_a_search_leaves(paths: ModelPaths) -> None:
    tune.run(paths, settings(tune={"trials": 3}))
    best = read_json(paths.study / "best.json")
    assert 0.75 < best["default_score"] <= best["tuning_score"] < 0.95
    assert set(best["params"]) == {"C"}
    assert best["trials"] == 3
    trials = pd.read_csv(paths.study / "trials.csv")
    assert trials["trial"].tolist() == [0, 1, 2]
    assert trials["score"].max() == pytest.approx(best["tuning_score"])
    assert trials["C"][best["trial"]] == pytest.approx(best["params"]["C"])
    before = outputs(paths)
    assert set(before) == {"best.json", "trials.csv", "history.svg", "knobs.svg"}
    tune.run(paths, settings(tune={"trials": 3}))  # from the journal
    assert outputs(paths) == before


def test_the_holdout_is_not_touched(paths: ModelPaths) -> None:
    for name in ("holdout", "reference"):
        (paths.splits / f"{name}.parquet").unlink()
    tune.run(paths, settings(tune={"trials": 2}))


def test_fixed_hyperparameters_are_not_searched(paths: ModelPaths) -> None:
    tune.run(paths, settings(train={"fixed": {"C": 0.5}}))
    assert read_json(paths.study / "best.json")["params"] == {"C": 0.5}


def test_a_wrong_fixed_one_is_told_before_anything_starts(paths: ModelPaths) -> None:
    with pytest.raises(ModelError, match="logistic has no hyperparameter 'depth'"):
        tune.run(paths, settings(train={"fixed": {"depth": 3}}))
    assert not home(paths.root).studies.exists()


def test_a_search_has_one_key_however_long_it_is(paths: ModelPaths) -> None:
    key = tune._key(paths, settings())
    assert tune._key(paths, settings(tune={"trials": 50})) == key
    assert tune._key(paths, settings(evaluate={"bins": 3})) == key


@pytest.mark.parametrize(
    "sections",
    [
        {"tune": {"seed": 8}},
        {"tune": {"workers": 3}},
        {"tune": {"sampler": "grid"}},
        {"train": {"family": "baseline"}},
        {"train": {"fixed": {"C": 1.0}}},
    ],
)
def test_what_changes_a_score_changes_the_key(paths: ModelPaths, sections: dict[str, Any]) -> None:
    assert tune._key(paths, settings(**sections)) != tune._key(paths, settings())


def test_other_rows_or_columns_are_another_search(paths: ModelPaths) -> None:
    before = tune._key(paths, settings())
    schema = paths.splits / "schema.json"
    schema.write_text(schema.read_text().replace('"spend",', ""))
    narrower = tune._key(paths, settings())
    assert narrower != before
    table(100).to_parquet(paths.splits / "train.parquet")
    assert tune._key(paths, settings()) not in {before, narrower}
