"""Going on from the live version, through the command line: the parent is on record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from pipelines.state import ledger
from tests.orchestration import Run
from tests.throwaway import MONTHS, Project


@pytest.mark.slow
def test_a_child_says_whose_it_is_and_passes_the_same_gate(trained: Project, run: Run) -> None:
    family = ("--set", "train.family=sgd")
    first = run(trained, "retrain", "beta", *family, "--json")
    assert first.code == 0, first.err
    asked = ("retrain", "beta", "--until", MONTHS[2], *family, "--set", "train.mode=incremental")
    done = run(trained, *asked, "--json")
    assert done.code == 0, done.err
    result = json.loads(done.out)
    assert result["version"] == "beta@v2"
    params = yaml.safe_load(trained.git("show", f"{result['commit']}:params.yaml"))
    assert params["models"]["beta"]["train"]["parent"] == "v1"
    with open(result["report"], encoding="utf-8") as page:  # noqa: PTH123
        text = page.read()
    assert "Gone on from v1" in text
    assert "Full against incremental" in text
    found = result["verdict"]["evidence"]["full_training"]
    assert f"{found['gain']['value']:+.4f}" in text
    card = Path(result["report"]).with_suffix(".md").read_text(encoding="utf-8")
    assert "## Full against incremental" in card
    assert [entry.version for entry in ledger.history(trained.engine, "beta")] == [
        "beta@v2",
        "beta@v1",
    ]
    # Another family's weights mean nothing to this one.
    other = run(trained, *asked, "--set", "train.family=hist_gradient_boosting")
    assert other.code == 2
    assert "its family is sgd, not hist_gradient_boosting" in other.err


def test_without_a_live_version_there_is_nothing_to_go_on_from(
    untrained: Project, run: Run
) -> None:
    done = run(untrained, "retrain", "beta", "--set", "train.mode=incremental")
    assert done.code == 2
    assert "none is live" in done.err
