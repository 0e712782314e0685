"""`evergreen feedback`: labels of a file, checked against the live version's task."""

from __future__ import annotations

import json

import pytest

from pipelines.predictions.feedback import labels
from tests.orchestration import Run
from tests.throwaway import Project


@pytest.mark.slow
def test_labels_are_kept_and_a_wrong_one_is_named(trained: Project, run: Run) -> None:
    file = trained.root / "labels.csv"
    file.write_text("request_id,label\na,1\nb,0\n", encoding="utf-8")
    done = run(trained, "feedback", "alpha", str(file), "--json")
    assert done.code == 0, done.err
    folder = trained.home.feedback("alpha")
    assert json.loads(done.out) == {"labels": 2, "folder": str(folder)}
    assert run(trained, "feedback", "alpha@v1", str(file)).out == f"2 labels -> {folder}\n"
    assert labels(folder).column("label").to_pylist() == ["1", "0"]

    file.write_text("request_id,label\nc,1\nd,late\n", encoding="utf-8")
    done = run(trained, "feedback", "alpha", str(file))
    assert done.code == 2
    assert "row 1" in done.err
    assert "1 or 0 is wanted" in done.err
    assert labels(folder).num_rows == 2
