"""tune finds good hyperparameters without a look at the holdout, and can be killed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipelines.errors import ModelError, SettingsError
from pipelines.files import read_json
from pipelines.paths import ModelPaths, home
from pipelines.stages import split, tune
from tests.small import clean, settings, table
from tests.tuning.postgres import PASSWORD, VARIABLE, running


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


@pytest.mark.parametrize("section", [{"engine": "dask"}, {"storage": "postgresql+psycopg://h/d"}])
def test_where_a_search_runs_is_no_part_of_its_key(
    paths: ModelPaths, section: dict[str, Any]
) -> None:
    assert tune._key(paths, settings(tune=section)) == tune._key(paths, settings())


def test_quality_against_size(paths: ModelPaths) -> None:
    both = {"objectives": ["quality", "size"], "pruner": "none", "sampler": "genetic", "trials": 4}
    chosen = {"train": {"family": "hist_gradient_boosting"}, "tune": both}
    tune.run(paths, settings(**chosen))
    best = read_json(paths.study / "best.json")
    found = read_json(paths.study / "pareto.json")
    trials = pd.read_csv(paths.study / "trials.csv")
    assert found["objectives"] == ["auc", "megabytes"]
    assert found["chosen"] == best["trial"]
    assert found["is_within_budget"]
    front = {point["trial"]: point for point in found["front"]}
    assert front[best["trial"]]["params"] == best["params"]
    for trial, point in front.items():
        row = trials[trials["trial"] == trial].iloc[0]
        assert (point["auc"], point["megabytes"]) == (row["score"], row["megabytes"])
        better = (trials["score"] > row["score"]) & (trials["megabytes"] <= row["megabytes"])
        assert not better.any()
    assert (paths.study / "pareto.svg").read_text().startswith("<svg")

    # A budget that only the smallest keeps to; from the journal, without a training.
    small = float(trials["megabytes"].min())
    tight = {**chosen, "gate": {"budget": {"megabytes": small}}}
    tune.run(paths, settings(**tight))
    assert read_json(paths.study / "best.json")["megabytes"] == small
    # And one that none keeps to.
    tune.run(paths, settings(**{**chosen, "gate": {"budget": {"megabytes": small / 2}}}))
    assert not read_json(paths.study / "pareto.json")["is_within_budget"]
    assert read_json(paths.study / "best.json")["tuning_score"] == trials["score"].max()


def test_quality_against_latency_is_measured(paths: ModelPaths) -> None:
    both = {"objectives": ["quality", "latency"], "pruner": "none", "trials": 2}
    tune.run(paths, settings(tune=both))
    trials = pd.read_csv(paths.study / "trials.csv")
    assert trials["latency_ms"].between(0.001, 20).all()
    before = outputs(paths)
    assert set(before) > {"pareto.json", "pareto.svg"}
    tune.run(paths, settings(tune=both))  # what was measured is kept
    assert outputs(paths) == before


def test_a_sampler_that_cannot_search_the_space(paths: ModelPaths) -> None:
    with pytest.raises(SettingsError, match="cmaes needs at least 2 numeric hyperparameters"):
        tune.run(paths, settings(tune={"sampler": "cmaes"}))
    assert not home(paths.root).studies.exists()


@pytest.mark.slow
def test_dask_and_postgresql_leave_the_same_bytes(
    paths: ModelPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of the search elsewhere: its rows are sent, its trials kept in a database."""
    base = {"trials": 5, "workers": 2}
    family = {"family": "hist_gradient_boosting"}
    tune.run(paths, settings(tune=base, train=family))
    expected = outputs(paths)
    monkeypatch.setenv(VARIABLE, PASSWORD)
    with running() as server:
        server.empty()
        away = {**base, "engine": "dask", "storage": server.address}
        tune.run(paths, settings(tune=away, train=family))
        [(name,)] = server.rows("SELECT study_name FROM studies")
    assert outputs(paths) == expected
    assert str(name).startswith("shop-")
    here = [path.stem for path in home(paths.root).studies.glob("*.journal")]
    assert here == [name]


def test_an_option_of_an_optimiser_can_be_fixed_and_is_checked_at_once() -> None:
    from pipelines import registry
    from pipelines.models.tasks import require_params

    family = registry.load(registry.MODEL_FAMILIES, "keras_mlp")()
    require_params("keras_mlp", family, {"optimizer": "momentum", "momentum": 0.8})
    with pytest.raises(ModelError, match="adam has no option 'momentum'; it has learning_rate"):
        require_params("keras_mlp", family, {"optimizer": "adam", "momentum": 0.8})
    with pytest.raises(ModelError, match="logistic has no hyperparameter 'momentum'"):
        logistic = registry.load(registry.MODEL_FAMILIES, "logistic")()
        require_params("logistic", logistic, {"momentum": 0.8})
