"""What the command says and returns, without anything being trained."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from pipelines.state import ledger, runs
from pipelines.state.ledger import Promotion
from tests.orchestration import Run
from tests.throwaway import Project

VERBS = (
    "retrain",
    "history",
    "status",
    "report",
    "source",
    "predict",
    "explain",
    "feedback",
    "serve",
    "manifest",
    "stress",
    "demo",
    "up",
    "down",
    "inject",
)


def test_help_names_every_verb_in_a_line_each(untrained: Project, run: Run) -> None:
    done = run(untrained, "--help")
    assert done.code == 0
    lines = done.out.splitlines()
    for verb in VERBS:
        assert any(line.strip().startswith(f"{verb} ") for line in lines), verb
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(untrained: Project, run: Run, verb: str) -> None:
    done = run(untrained, verb, "--help")
    assert done.code == 0
    assert f"evergreen {verb}" in done.out
    assert max(map(len, done.out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["retrain", "gamma"], ["unknown model 'gamma'", "alpha, beta"]),
        (["history", "gamma"], ["unknown model 'gamma'", "alpha, beta"]),
        (["retrain", "alpha", "--set", "split.holdout_day=3"], ["holdout_day", "holdout_days"]),
        (["retrain", "alpha", "--set", "split.holdout_days=soon"], ["split.holdout_days", "soon"]),
        (
            ["retrain", "alpha", "--set", "train.family=magic"],
            ["unknown family 'magic'", "logistic"],
        ),
        (["retrain", "alpha", "--set", "tune.sampler=luck"], ["unknown sampler 'luck'", "tpe"]),
        (["retrain", "alpha", "--set", "train.family.x=1"], ["family is not a section"]),
        (["retrain", "alpha", "--set", "split"], ["'split' is not an assignment"]),
        (["retrain", "alpha", "--set", "split.seed=[1"], ["not a YAML value", "split.seed"]),
        (["retrain", "alpha", "--until", "tomorrow"], ["ingest.until", "tomorrow"]),
        (["report", "alpha"], ["no version of alpha is live yet", "evergreen retrain alpha"]),
        (["report", "alpha", "v9"], ["no version 'v9' of alpha", "none yet"]),
        (["serve", "alpha"], ["no version of alpha is live yet"]),
        (["feedback", "alpha", "labels.csv"], ["no version of alpha is live yet"]),
        (["predict", "alpha@v3", "rows.csv", "-o", "out.csv"], ["no version 'v3' of alpha"]),
    ],
)
def test_a_wrong_word_is_named_with_what_is_allowed(
    untrained: Project, run: Run, arguments: list[str], named: list[str]
) -> None:
    done = run(untrained, *arguments)
    assert done.code == 2
    assert done.err.startswith("error: ")
    assert "next step: " in done.err
    assert "Traceback" not in done.err
    for text in named:
        assert text in done.err
    assert runs.latest(untrained.engine, "alpha") == []


def test_a_verb_that_does_not_exist_is_bad_usage(untrained: Project, run: Run) -> None:
    assert run(untrained, "retrian", "alpha").code == 2


def test_outside_a_project_it_says_where_to_go(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run(Project(tmp_path), "status")
    assert done.code == 2
    assert "no params.yaml and dvc.yaml here or above" in done.err


def test_from_a_folder_inside_the_project_it_finds_the_root(untrained: Project) -> None:
    inside = Project(untrained.root / "pipelines")
    done = subprocess.run(
        ["python", "-c", "from flows.cli import main; main()", "status", "--json"],
        cwd=inside.root,
        env={**untrained.environment, "PYTHONPATH": str(untrained.root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [row["model"] for row in json.loads(done.stdout)["models"]] == ["alpha", "beta"]


def test_a_tree_with_changes_is_refused_by_name(untrained: Project, run: Run) -> None:
    untrained.set("alpha", "split", seed=99)
    (untrained.root / "pipelines" / "new.py").touch()
    done = run(untrained, "retrain", "alpha")
    assert done.code == 2
    assert "not committed: params.yaml, pipelines/new.py" in done.err
    assert "--committed" in done.err


def test_without_git_it_says_so(untrained: Project, run: Run) -> None:
    (untrained.root / ".git").rename(untrained.root / "elsewhere")
    done = run(untrained, "retrain", "alpha")
    assert done.code == 2
    assert "not the top folder of a git repository" in done.err


def test_a_broken_store_says_what_to_do(untrained: Project, run: Run) -> None:
    untrained.home.database.parent.mkdir(parents=True)
    untrained.home.database.write_bytes(b"not a database" * 1000)
    for arguments in (["status"], ["history", "alpha"], ["retrain", "alpha"]):
        done = run(untrained, *arguments)
        assert done.code == 2
        assert "state.db" in done.err
        assert "moved away" in done.err


@pytest.fixture
def told(untrained: Project) -> Project:
    """A project with a past: two promotions, a refused run, and a lease that is held."""
    engine = untrained.engine
    why = "the schedule of every first Monday, asked for by the people who plan the crews"
    for number in (1, 2):
        run, _ = runs.begin(engine, "alpha", f"base{number}", {}, why)
        promotion = Promotion(
            "alpha", f"alpha@v{number}", f"{number}" * 40, "ann", why, {"bento": "b"}, run.id
        )
        ledger.promote(engine, promotion)
        runs.finish(engine, run.id, runs.PROMOTED, version=promotion.version)
    refused, _ = runs.begin(engine, "alpha", "base3", {}, why)
    verdict = {"reason": "non-inferiority: not shown to be above -0.0100", "evidence": {}}
    runs.finish(engine, refused.id, runs.REFUSED, verdict=verdict)
    return untrained


def test_history_is_whole_at_80_columns(told: Project, run: Run) -> None:
    done = run(told, "history", "alpha")
    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= 80
    assert "…" not in done.out
    for text in (
        "alpha@v1",
        "alpha@v2",
        "promoted",
        ledger.history(told.engine, "alpha")[0].at[:10],
    ):
        assert text in done.out
    assert "crews" in done.out
    entries = json.loads(run(told, "history", "alpha", "--json").out)
    assert [(e["version"], e["previous"]) for e in entries] == [
        ("alpha@v2", "alpha@v1"),
        ("alpha@v1", None),
    ]
    assert "nothing of beta has been live yet" in run(told, "history", "beta").out


def test_status_is_whole_at_80_columns(told: Project, run: Run) -> None:
    done = run(told, "status")
    assert max(map(len, done.out.splitlines())) <= 80
    assert "…" not in done.out
    for text in ("alpha@v2", "refused", "beta"):
        assert text in done.out
    alpha, beta = json.loads(run(told, "status", "--json").out)["models"]
    assert (alpha["live"], alpha["last_status"]) == ("alpha@v2", "refused")
    assert beta["live"] is None


def test_what_the_source_looks_like(untrained: Project, run: Run) -> None:
    seen = run(untrained, "source", "alpha", "--json")
    assert seen.code == 1
    assert json.loads(seen.out)["is_recorded"] is False
    assert run(untrained, "source", "alpha", "--record").code == 0
    again = run(untrained, "source", "alpha")
    assert again.code == 0
    assert "as recorded" in again.out


def test_a_prefect_server_that_is_gone_is_an_error_with_a_next_step(untrained: Project) -> None:
    done = untrained.evergreen("retrain", "alpha", PREFECT_API_URL="http://127.0.0.1:9/api")
    assert done.returncode == 2
    assert "error: " in done.stderr
    assert "Prefect" in done.stderr
    assert "PREFECT_API_URL" in done.stderr
    assert "Traceback" not in done.stderr
