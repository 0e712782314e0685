"""One file that stands alone: it parses, shows what is there, runs and fetches nothing."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pipelines import judging
from pipelines.evaluation import report
from pipelines.files import read_json, write_json
from pipelines.paths import ModelPaths
from pipelines.settings import ModelSettings
from pipelines.verdicts import Outcome, Verdict
from tests.small import MODEL, trained

VOID = {"meta", "br", "img", "hr", "input", "link"}


class Page(HTMLParser):
    """The text of a page; refuses tags that do not match."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == [], self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        joined = " ".join(" ".join(self.words).split())
        return joined.replace("\N{NARROW NO-BREAK SPACE}", " ")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[ModelPaths, ModelSettings]:
    return trained(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def page(made: tuple[ModelPaths, ModelSettings]) -> Page:
    """The report of a version that was judged."""
    paths, known = made
    verdict = judging.decide(paths, known, None, times_asked=0, is_forced=True)
    return Page(report.render(paths, "shop@v1", verdict, {"data_hash": "abc"}))


def test_it_runs_nothing_and_fetches_nothing(page: Page) -> None:
    assert not {"script", "link", "iframe", "object", "embed", "base", "form"} & set(page.seen)
    for name, value in page.attributes:
        assert not name.startswith("on"), name
        if name in {"src", "href", "xlink:href", "action"}:
            assert (value or "").startswith("#"), value
    style = " ".join(page.words)
    assert not re.search(r"@import|url\(\s*['\"]?https?:", style)


def test_it_says_what_a_person_asks(page: Page, made: tuple[ModelPaths, ModelSettings]) -> None:
    paths, _ = made
    evaluation = read_json(paths.reports / "evaluation.json")
    text = page.text
    assert f"{evaluation['metrics']['auc']['value']:.4f}" in text
    assert "95 % intervals over 15 days" in text
    assert "PASSED" in text
    assert "shop@v1" in text
    assert "data hash" in text


def test_it_speaks_of_no_dataset_in_particular(page: Page) -> None:
    assert not re.search(r"\b(late|flights?|carrier)\b", page.text)


def test_parts_of_a_verdict_stand_under_it(page: Page) -> None:
    text = page.text
    for words in (
        "challenger overlap",
        "no blocks in common",
        "training ends before the holdout begins",
        "boundary: all columns",
        "training to ONNX",
    ):
        assert words in text
    assert ("class", "depth-1") in page.attributes


def test_evidence_is_no_json(page: Page) -> None:
    assert not re.search(r'\{"|\[\{', page.text)
    assert "standard error" in page.text


def test_the_rows_and_the_parts_they_were_put_in(
    page: Page, made: tuple[ModelPaths, ModelSettings]
) -> None:
    split = read_json(made[0].splits / "split.json")
    assert f"data/{MODEL}/validation/index.html" in page.text
    assert "rows read 3 000" in page.text
    for side, words in (("train", "learned from"), ("tuning", "chose the hyperparameters")):
        assert f"{side} {words}" in page.text
        assert f"{split[side]['first']} to {split[side]['last']}" in page.text


def test_before_there_is_a_verdict_it_says_so(made: tuple[ModelPaths, ModelSettings]) -> None:
    text = Page(report.render(made[0], MODEL)).text
    assert "Not judged yet" in text
    assert "The gate" not in text


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_is_shown(made: tuple[ModelPaths, ModelSettings], outcome: Outcome) -> None:
    inner = Verdict("inner", outcome, "deep <down>", {"p_value": 1e-9, "none": None})
    verdict = Verdict(
        "gate", outcome, "because", {}, (Verdict("outer", outcome, "x", {}, (inner,)),)
    )
    found = Page(report.render(made[0], MODEL, verdict))
    assert found.text.count(outcome.value) == 3
    assert "deep <down>" in found.text  # as text, so it was escaped
    assert "1e-09" in found.text


def test_a_report_without_slices_and_days(
    made: tuple[ModelPaths, ModelSettings], tmp_path: Path
) -> None:
    shutil.copytree(made[0].root, tmp_path / "copy")
    paths = ModelPaths(tmp_path / "copy", MODEL)
    write_json(
        {**read_json(paths.reports / "evaluation.json"), "slices": []},
        paths.reports / "evaluation.json",
    )
    schema = json.loads((paths.splits / "schema.json").read_text())
    (paths.splits / "schema.json").write_text(json.dumps({**schema, "time": None}))
    split = read_json(paths.splits / "split.json")
    bare = {name: {k: side[k] for k in ("rows", "labels")} for name, side in split.items()}
    write_json({**bare, "left out": bare["train"]}, paths.splits / "split.json")
    text = Page(report.render(paths, MODEL)).text
    assert "Slices" not in text
    assert "Days" not in text
    assert "15 rows" in text  # the unit of the intervals
    assert "earlier rows of a group" in text


def test_the_same_files_give_the_same_page(made: tuple[ModelPaths, ModelSettings]) -> None:
    assert report.render(made[0], MODEL) == report.render(made[0], MODEL)
