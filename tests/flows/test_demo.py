"""`evergreen demo` with a search of one trial: three retrains of real flights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.throwaway import Project, begin, copy_repository


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "project"
    copy_repository(root, but=("tests/", "docs/"))
    made = Project(root)
    # Fewer days than the demo has, so that margins are wider, and a search of one trial.
    made.set("flights", "ingest", since="2013-03")
    made.set("flights", "split", tuning_days=3, holdout_days=12)
    made.set("flights", "tune", trials=1, workers=1)
    made.set("flights", "evaluate", bootstrap_rounds=100, importance_rows=200)
    made.set("flights", "gate", margin=0.05, calibration_margin=0.2, slice_margin=0.3)
    return begin(root)


@pytest.mark.slow
@pytest.mark.demo
@pytest.mark.timeout(900)
def test_it_promotes_twice_refuses_the_planted_one_serves_and_scores(
    project: Project, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    done = project.evergreen("demo", "--keep", str(kept), "--json", seconds=600)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    first, later, refused = told["retrains"]
    assert (first["version"], later["version"]) == ("flights@v1", "flights@v2")
    assert refused["version"] is None
    assert refused["verdict"]["outcome"] == "FAILED"
    assert [entry["version"] for entry in told["history"]] == ["flights@v2", "flights@v1"]
    assert all(0 < share < 1 for share in told["served"]["probabilities"])
    assert told["predicted"]["rows"] > 20_000
    assert 0.6 < told["predicted"]["auc"] < 0.9
    assert Path(told["report"]).is_file()
    # The user's own repository is as it was.
    assert project.git("status", "--porcelain") == ""
    assert project.git("branch", "--list", "retrain/*") == ""
    assert project.git("tag") == ""

    again = project.evergreen("demo", "--keep", str(kept))
    assert again.returncode == 2
    assert "not empty" in again.stderr
