"""The card says what the files say, has no blanks, and no words that nobody wrote."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipelines import judging
from pipelines.evaluation import report
from pipelines.evaluation.report import Section
from pipelines.explanation import card, markdown
from pipelines.files import read_json, write_json
from pipelines.paths import ModelPaths
from pipelines.schema import Task
from pipelines.settings import ModelSettings
from pipelines.signature import Signature
from tests.evaluation.test_report import Page
from tests.small import MODEL, table, tasked, trained

WORDS = """\
purpose: Says which customers | accounts leave.
intended_use: To choose whom to call.
limits: [It knows private customers only.]
contact: crm@example.org
"""
MADE_FROM = {"commit": "c" * 40, "data_hash": "d" * 32}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[ModelPaths, ModelSettings]:
    return trained(tmp_path_factory.mktemp("card"))


@pytest.fixture
def paths(made: tuple[ModelPaths, ModelSettings], tmp_path: Path) -> ModelPaths:
    """A project of its own, with words."""
    shutil.copytree(made[0].root, tmp_path / "copy")
    copy = ModelPaths(tmp_path / "copy", MODEL)
    copy.card.write_text(WORDS, encoding="utf-8")
    return copy


def by_title(sections: list[Section]) -> dict[str, Section]:
    return {section.title: section for section in sections}


def test_no_heading_is_empty(paths: ModelPaths) -> None:
    found = card.sections(paths, None, MADE_FROM)
    titles = [section.title for section in found]
    assert titles == [
        "Purpose",
        "Data",
        "Model",
        "Quality",
        "Slices",
        "Limits",
        "What it listens to",
        "Judgement",
        "Lineage",
    ]
    for section in found:
        parts = [*section.paragraphs, *section.items, *(" ".join(row) for row in section.rows)]
        assert parts, section.title
        assert all(part.strip() for part in parts), section.title
        assert all(len(row) == len(section.header) for row in section.rows)


def test_the_words_of_people_are_theirs(paths: ModelPaths) -> None:
    found = by_title(card.sections(paths, None, MADE_FROM))
    assert found["Purpose"].paragraphs == (
        "Says which customers | accounts leave.",
        "Intended use: To choose whom to call.",
        "Contact: crm@example.org",
    )
    assert found["Limits"].items[0] == "It knows private customers only."
    paths.card.unlink()
    bare = by_title(card.sections(paths, None, MADE_FROM))
    [sentence] = bare["Purpose"].paragraphs
    assert "Nobody has said yet" in sentence
    assert f"write data/{MODEL}/card.yaml" in sentence
    assert bare["Limits"].items == found["Limits"].items[1:]


def test_numbers_are_those_of_the_files(paths: ModelPaths) -> None:
    found = by_title(card.sections(paths, None, MADE_FROM))
    evaluation = read_json(paths.reports / "evaluation.json")
    auc = evaluation["metrics"]["auc"]
    [row] = [row for row in found["Quality"].rows if row[1] == f"{auc['value']:.4f}"]
    assert row[2] == f"{auc['low']:.4f} to {auc['high']:.4f}"
    values = [
        float(row[2].split()[0]) for row in found["Slices"].rows
    ]  # the worst first, of an AUC the lowest
    assert values == sorted(values)
    split = read_json(paths.splits / "split.json")
    assert found["Data"].rows[2][3] == f"{split['holdout']['first']} to {split['holdout']['last']}"
    lineage = dict(found["Lineage"].rows)
    assert lineage["commit"] == "c" * 40
    assert lineage["model.onnx (SHA-256)"] == Signature.read(paths.artifact).sha256
    assert lineage["source: source"] == "shop.csv"


def test_a_source_of_several_files(paths: ModelPaths) -> None:
    write_json({"fingerprint": {"sha256": {"a.csv": "1" * 64}, "version": "2"}}, paths.source)
    lineage = dict(by_title(card.sections(paths, None, {}))["Lineage"].rows)
    assert lineage["source: sha256 a.csv"] == "1" * 64
    assert lineage["source: version"] == "2"


def test_the_verdict_with_every_part(
    made: tuple[ModelPaths, ModelSettings], paths: ModelPaths
) -> None:
    before = by_title(card.sections(paths, None, MADE_FROM))["Judgement"]
    assert before.paragraphs == ("No gate has judged this model yet.",)
    verdict = judging.decide(made[0], made[1], None, times_asked=0, is_forced=True)
    section = by_title(card.sections(paths, verdict, MADE_FROM))["Judgement"]
    assert section.paragraphs[0].startswith(f"The gate says {verdict.outcome.value}")
    assert len(section.items) == len(verdict.parts)


def test_as_markdown_and_on_the_page(paths: ModelPaths) -> None:
    found = card.sections(paths, None, MADE_FROM)
    text = markdown.render("shop@v1", found)
    assert text.startswith("# Model card: shop@v1\n\n## Purpose\n\nSays which customers \\| acc")
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert "| --- | --- | --- | --- |" in tables
    assert text.count("## ") == len(found)
    assert text == markdown.render("shop@v1", card.sections(paths, None, MADE_FROM))

    page = Page(report.render(paths, "shop@v1", None, MADE_FROM, found)).text
    for section in found:
        for part in (*section.paragraphs, *section.items):
            assert " ".join(part.split()).replace("\N{NARROW NO-BREAK SPACE}", " ") in page
    assert "model card" not in Page(report.render(paths, "shop@v1")).text


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_cards_of_other_tasks(tmp_path: Path, task: Task) -> None:
    frame, schema = tasked(table(1500), task)
    paths, _ = trained(
        tmp_path,
        frame,
        schema,
        {"max_iter": 20},
        ingest={"task": task},
        train={"family": "hist_gradient_boosting"},
        evaluate={"slices": []},
    )
    found = by_title(card.sections(paths, None, MADE_FROM))
    assert "Slices" not in found
    assert any("where it is worse is not known" in item for item in found["Limits"].items)
    assert "max_iter 20" in found["Model"].paragraphs[1]
    if task == "multiclass":
        assert "3 classes (low, middle, high)" in found["Data"].paragraphs[0]
        assert "low: " in found["Data"].rows[0][2]
    else:
        assert "a number in its unit" in found["Data"].paragraphs[0]
        assert "median: " in found["Data"].rows[0][2]
