"""From nothing to a version, and what a second retrain makes of it."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from pipelines.state import ledger, runs
from pipelines.versioning import versions
from pipelines.versioning.git import Repository
from tests.orchestration import Finished, Run
from tests.throwaway import Project

STAGES = ["ingest", "validate", "split", "tune", "train", "evaluate"]


def test_the_first_retrain_beats_the_baseline_and_is_live(first: tuple[Project, Finished]) -> None:
    project, done = first
    assert done.code == 0, done.err
    result = json.loads(done.out)
    assert result["version"] == "alpha@v1"
    assert [stage["stage"] for stage in result["stages"]] == [f"{name}@alpha" for name in STAGES]
    assert {stage["reached"] for stage in result["stages"]} == {"Completed"}
    assert result["verdict"]["evidence"]["champion"]["name"] == "baseline"
    assert Path(result["report"]).read_text(encoding="utf-8").startswith("<!")

    [version] = versions.registered(Repository.at(project.root), "alpha")
    [entry] = ledger.history(project.engine, "alpha")
    [run] = runs.latest(project.engine, "alpha")
    assert version.commit == entry.commit == run.commit == result["commit"]
    assert entry.version == run.version == version.name
    assert entry.evidence["bento"] == result["bento"]
    assert run.status == runs.PROMOTED
    kept = project.git("show", "--name-only", "--format=", version.commit).splitlines()
    assert {"dvc.lock", "data/alpha/gate.json", "data/alpha/metrics.json"} <= set(kept)
    assert project.git("worktree", "list").count("\n") == 0
    assert list(project.home.worktrees.iterdir()) == []


def test_the_users_tree_index_stash_and_branches_are_as_they_were(
    untrained: Project, first: tuple[Project, Finished]
) -> None:
    # `untrained` is what the project of `first` was a copy of.
    before, after = _everything(untrained), _everything(first[0])
    assert after == before


def _everything(project: Project) -> dict[str, object]:
    outside = (".git/", ".evergreen/", ".dvc/cache", ".dvc/tmp")
    files = {
        name: path.read_bytes()
        for path in sorted(project.root.rglob("*"))
        if path.is_file() and not (name := str(path.relative_to(project.root))).startswith(outside)
    }
    branches = project.git("for-each-ref", "--format=%(refname)", "refs/heads").splitlines()
    return {
        "files": files,
        "branches": [name for name in branches if "/retrain/" not in name],
        "stash": project.git("stash", "list"),
        "staged": project.git("ls-files", "--stage"),
    }


def test_nothing_new_is_refused_as_identical(trained: Project, run: Run) -> None:
    done = run(trained, "retrain", "alpha", "--json")
    assert done.code == 1, done.err
    result = json.loads(done.out)
    assert {stage["reached"] for stage in result["stages"]} == {"Cached"}
    assert result["version"] is None
    outcomes = {part["name"]: part["outcome"] for part in result["verdict"]["parts"]}
    assert outcomes["identity"] == "FAILED"
    assert len(ledger.history(trained.engine, "alpha")) == 1
    assert Path(result["report"]).exists()


def test_dvc_repro_by_hand_gives_the_lock_that_the_flow_committed(trained: Project) -> None:
    committed = trained.git("show", "alpha@v1.0.0:dvc.lock")
    trained.git("checkout", "--quiet", "alpha@v1.0.0")
    # Nothing is up to date in the working tree, but DVC knows all of it.
    for path in ("dvc.lock", "data/alpha/metrics.json", "data/alpha/validation.json"):
        (trained.root / path).unlink()
    done = trained.dvc("repro", "evaluate@alpha")
    assert done.returncode == 0, done.stderr
    ours = yaml.safe_load((trained.root / "dvc.lock").read_text(encoding="utf-8"))["stages"]
    theirs = yaml.safe_load(committed)["stages"]
    assert ours == theirs
    assert trained.dvc("status", "evaluate@alpha").stdout.strip().endswith("up to date.")


def test_dvc_shows_metrics_params_and_plots_offline(trained: Project, run: Run) -> None:
    done = run(trained, "retrain", "alpha", "--set", "train.fixed={C: 0.001}", "--json")
    other = json.loads(done.out)["commit"]
    metrics = json.loads(trained.dvc("metrics", "diff", "alpha@v1.0.0", other, "--json").stdout)
    assert any(path.endswith("metrics.json") for path in metrics)
    params = json.loads(trained.dvc("params", "diff", "alpha@v1.0.0", other, "--json").stdout)
    assert "C" in json.dumps(params["params.yaml"])
    trained.git("checkout", "--quiet", "alpha@v1.0.0")
    assert trained.dvc("checkout", "evaluate@alpha").returncode == 0
    shown = trained.dvc("plots", "show", "data/alpha/plots", "-o", "shown")
    assert shown.returncode == 0, shown.stderr
    page = (trained.root / "shown" / "index.html").read_text(encoding="utf-8")
    assert "http://" not in page
    assert "https://" not in page
    assert page.count("<img") >= 3
