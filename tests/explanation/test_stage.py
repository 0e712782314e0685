"""The stage evaluate with `attribution: shap`: numbers, plots, page, and the same every time."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest

from pipelines.errors import SettingsError
from pipelines.evaluation import report
from pipelines.explanation import card
from pipelines.files import read_json
from pipelines.paths import ModelPaths
from pipelines.schema import Task
from pipelines.settings import ModelSettings
from pipelines.stages import evaluate
from tests.evaluation.test_report import Page
from tests.small import MODEL, SCHEMA, settings, table, tasked, trained

SHAP = {"attribution": "shap", "attribution_rows": 12}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[ModelPaths, ModelSettings]:
    return trained(tmp_path_factory.mktemp("shap"), evaluate=SHAP)


@pytest.fixture
def copy(made: tuple[ModelPaths, ModelSettings], tmp_path: Path) -> ModelPaths:
    shutil.copytree(made[0].root, tmp_path / "copy")
    return ModelPaths(tmp_path / "copy", MODEL)


def test_the_signal_is_found_and_noise_is_not(made: tuple[ModelPaths, ModelSettings]) -> None:
    found = read_json(made[0].reports / "attribution.json")
    importance = read_json(made[0].reports / "evaluation.json")["importance"]
    assert (found["method"], found["rows"]) == ("shap", 12)
    sizes = {each["name"]: each["mean_absolute"] for each in found["features"]}
    assert set(sizes) == set(SCHEMA.features)
    assert set(list(sizes)[:2]) == {"spend", "visits"}  # what the labels are made of
    assert sizes["age"] < sizes["visits"] / 5  # which has nothing to do with them
    assert {each["name"]: each["importance"] for each in found["features"]} == importance
    learned = pd.concat(
        pd.read_parquet(made[0].splits / f"{side}.parquet") for side in ("train", "tuning")
    )
    # The base value is a mean over 50 rows that were learned from.
    assert found["base"] == pytest.approx(learned["left"].mean(), abs=0.15)


def test_the_page_shows_it(made: tuple[ModelPaths, ModelSettings]) -> None:
    html = report.render(made[0], MODEL)
    page = Page(html)
    assert "SHAP values of 12 rows of the holdout" in page.text
    assert page.text.count("From the base value") == 3
    assert "probability of left" in page.text
    assert not {"script", "link", "iframe"} & set(page.seen)
    assert html == report.render(made[0], MODEL)


def test_the_card_lists_what_moves_the_answer(made: tuple[ModelPaths, ModelSettings]) -> None:
    known = read_json(made[0].reports / "attribution.json")["features"][0]
    [section] = [
        each for each in card.sections(made[0], None, {}) if each.title == "What it listens to"
    ]
    assert "SHAP values over 12 rows" in section.paragraphs[0]
    assert section.items[0] == f"{known['name']}: {known['mean_absolute']:.4g}"


def test_once_more_gives_the_same_files(
    made: tuple[ModelPaths, ModelSettings], copy: ModelPaths
) -> None:
    evaluate.run(copy, made[1])
    for folder in (made[0].reports, made[0].plots):
        for path in folder.iterdir():
            again = copy.root / path.relative_to(made[0].root)
            assert again.read_bytes() == path.read_bytes(), path.name


def test_without_it_nothing_is_left_of_it(copy: ModelPaths) -> None:
    evaluate.run(copy, settings(evaluate={"attribution": "permutation"}))
    found = read_json(copy.reports / "attribution.json")
    assert found["method"] == "permutation"
    assert {"name", "importance"} == set(found["features"][0])
    assert not list(copy.plots.glob("example_*")) + list(copy.plots.glob("attribution*"))
    assert "SHAP" not in Page(report.render(copy, MODEL)).text


def test_asked_for_and_not_installed_nothing_is_touched(
    copy: ModelPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (copy.reports / "attribution.json").read_bytes()
    monkeypatch.setitem(sys.modules, "shap.explainers", None)  # Python's own "not there"
    with pytest.raises(SettingsError, match=r"evaluate\.attribution.*needs shap"):
        evaluate.run(copy, settings(evaluate=SHAP))
    assert (copy.reports / "attribution.json").read_bytes() == before
    evaluate.run(copy, settings())  # which does not ask for it


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"attribution": "lime"}, "'permutation' or 'shap'"),
        ({"attribution_rows": 1001}, "less than or equal to 1000"),
        ({"attribution_rows": 0}, "greater than 0"),
    ],
)
def test_a_wrong_setting_is_named(wrong: dict[str, object], named: str) -> None:
    with pytest.raises(SettingsError, match=rf"evaluate\.{next(iter(wrong))}.*{named}"):
        settings(evaluate=wrong)


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_other_tasks(tmp_path: Path, task: Task) -> None:
    frame, schema = tasked(table(1500), task)
    paths, _ = trained(
        tmp_path,
        frame,
        schema,
        {"max_iter": 20},
        ingest={"task": task},
        train={"family": "hist_gradient_boosting"},
        evaluate=SHAP,
    )
    found = read_json(paths.reports / "attribution.json")
    for row in found["examples"]:
        added = sum(each["contribution"] for each in row["contributions"])
        assert row["base"] + added == pytest.approx(row["answer"], abs=1e-4)
        if task == "multiclass":
            assert row["class"] in schema.classes
            assert row["truth"] in schema.classes
            assert row["answer"] > 1 / 3  # of the class that it decided for
        else:
            assert row["class"] is None
    assert found["features"][0]["name"] in ("spend", "visits")
    assert "From the base value" in Page(report.render(paths, MODEL)).text
