"""`evergreen explain`, and the card beside the report of a version."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.orchestration import Run
from tests.throwaway import Project


@pytest.fixture
def rows(trained: Project) -> Path:
    path = trained.root / "rows.csv"
    source = pd.read_csv(trained.root / "sources" / "alpha.csv").head(70)
    source.drop(columns="late").to_csv(path, index=False)
    return path


def test_rows_of_a_file_as_json_and_as_a_table(trained: Project, rows: Path, run: Run) -> None:
    # Nothing but the registered version: no stage's output lies in this tree.
    assert not (trained.root / "data" / "alpha" / "splits").exists()
    done = run(trained, "explain", "alpha", str(rows), "--rows", "2", "--top", "2", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["version"] == "alpha@v1"
    assert [row["row"] for row in found["rows"]] == [0, 1]
    given = pd.read_csv(rows)
    for row in found["rows"]:
        added = sum(each["contribution"] for each in row["contributions"]) + row["others"]
        assert row["base"] + added == pytest.approx(row["answer"], abs=1e-6)
        assert len(row["contributions"]) == 2
        for each in row["contributions"]:
            expected = given[each["feature"]].iloc[row["row"]]
            assert each["value"] == (
                expected if isinstance(expected, str) else pytest.approx(expected)
            )

    table = run(trained, "explain", "alpha@v1", str(rows), "--rows", "1")
    assert table.code == 0, table.err
    assert max(map(len, table.out.splitlines())) <= 80
    for text in ("row 0", "speed", "alpha@v1", "probability of late"):
        assert text in table.out


def test_all_rows_into_a_file(trained: Project, rows: Path, run: Run) -> None:
    out = trained.root / "why.csv"
    done = run(trained, "explain", "alpha", str(rows), "-o", str(out), "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["rows"] == len(pd.read_csv(out)) == 70
    assert "explained rows: 70 of 70" in done.err
    scored = trained.root / "scored.csv"
    assert run(trained, "predict", "alpha", str(rows), "-o", str(scored)).code == 0
    answers = pd.read_csv(scored)["probability"]
    assert pd.read_csv(out)["answer"].tolist() == pytest.approx(answers.tolist(), abs=1e-6)


def test_what_is_wrong_is_named(
    trained: Project, rows: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty, lacking = trained.root / "empty.csv", trained.root / "lacking.csv"
    empty.write_text("", encoding="utf-8")
    pd.read_csv(rows).drop(columns="speed").to_csv(lacking, index=False)
    wrong = {
        ("alpha@v9", str(rows)): "no version 'v9' of alpha",
        ("gamma", str(rows)): "unknown model 'gamma'",
        ("alpha", str(empty)): "the file is empty",
        ("alpha", str(lacking)): "lacks the columns speed",
        ("alpha", "nowhere.csv"): "there is no such file",
    }
    for arguments, named in wrong.items():
        done = run(trained, "explain", *arguments)
        assert done.code == 2
        assert named in done.err
        assert "next step: " in done.err
    monkeypatch.setitem(sys.modules, "shap.explainers", None)  # Python's own "not there"
    done = run(trained, "explain", "alpha", str(rows))
    assert done.code == 2
    assert "evergreen explain: needs shap" in done.err
    assert "evergreen[explain]" in done.err


def test_the_card_lies_beside_the_report(trained: Project, run: Run) -> None:
    # The copy of the project has the reports of the original in its own folder.
    done = run(trained, "report", "alpha", "--card")
    assert done.code == 0, done.err
    card = Path(done.out.strip())
    assert card == trained.home.reports.resolve() / "alpha" / "alpha@v1.md"
    text = card.read_text(encoding="utf-8")
    assert text.startswith("# Model card: alpha@v1")
    assert "The gate says PASSED" in text
    assert "write data/alpha/card.yaml" in text
    page = Path(run(trained, "report", "alpha").out.strip()).read_text(encoding="utf-8")
    assert "The model card" in page
    shutil.rmtree(card.parent)
    done = run(trained, "report", "alpha", "v1", "--card")
    assert done.code == 2
    assert "the card of alpha@v1 is not on this machine" in done.err


def test_a_card_with_a_hole_stops_a_retrain_before_it_trains(untrained: Project, run: Run) -> None:
    (untrained.root / "data" / "alpha" / "card.yaml").write_text("purpose: x\n", encoding="utf-8")
    untrained.commit("Begin a card")
    done = run(untrained, "retrain", "alpha")
    assert done.code == 2, done.out
    assert "intended_use" in done.err
    assert "card.yaml" in done.err
