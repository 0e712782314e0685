"""The page: complete, self-contained, and harmless whatever a server answered."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from pipelines.stress import Limits, judge, summarize, write_report
from pipelines.stress.generator import Generated
from pipelines.stress.records import Ending, Records
from pipelines.stress.report import NUMBERS_FILE, Outcomes
from tests.stress.conftest import Planned
from tests.stress.made_up import records

HOSTILE = "status 500: <script>alert(1)</script>"


def reported(made: Records, planned: Planned, folder: Path) -> tuple[str, dict[str, object]]:
    limits, summary = Limits(100.0, 0.1), summarize(made, len(made) / 100)
    generated = Generated(made, 0.25, {HOSTILE: 3})
    outcomes = Outcomes(
        "flights@v3",
        "2026-03-01T09:30:00Z",
        planned("http://127.0.0.1:3000"),
        limits,
        generated,
        summary,
        judge(summary, limits, generated.cpu_share),
    )
    page = write_report(outcomes, folder).read_text(encoding="utf-8")
    return page, json.loads((folder / NUMBERS_FILE).read_text(encoding="utf-8"))


def test_the_page_says_what_was_asked_and_what_came(planned: Planned, tmp_path: Path) -> None:
    made = records(np.random.default_rng(7).lognormal(3, 0.4, size=4000))
    page, numbers = reported(made, planned, tmp_path)

    for text in ("flights@v3", "PASSED", "50 requests a second", "2026-03-01 at 09:30 UTC"):
        assert text in page
    assert page.count("<svg") == 4
    assert numbers["verdict"]["outcome"] == "PASSED"
    assert "bodies" not in numbers


def test_the_page_needs_nothing_and_runs_nothing(planned: Planned, tmp_path: Path) -> None:
    page, _ = reported(records([1.0] * 4000), planned, tmp_path)
    # The namespaces of SVG are names, and fetched by nobody.
    text = re.sub(r'(xmlns(:\w+)?|rdf:resource|xlink:href)="[^"]*"', "", page)

    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert not re.search(r'(src|href)="https?://|<link|@import|url\(http', text)


@pytest.mark.parametrize("answered", [0, 10])
def test_a_run_that_went_wrong_has_a_page_as_well(
    planned: Planned, tmp_path: Path, answered: int
) -> None:
    made = records([1.0] * 1000, ending=Ending.NO_ANSWER)
    made["ending"][:answered] = Ending.ANSWERED
    page, numbers = reported(made, planned, tmp_path)

    assert "FAILED" in page
    assert "had no right answer" in page
    assert page.count("<svg") == (4 if answered else 2)
    assert numbers["summary"]["endings"]["no_answer"] == 1000 - answered
