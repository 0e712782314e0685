"""`evergreen drill`, as a person runs it: real trainings, a real stack, and real kills."""

from __future__ import annotations

import json
from pathlib import Path

import psutil
import pytest

from tests.throwaway import begin, copy_repository


@pytest.mark.slow
@pytest.mark.demo
@pytest.mark.timeout(1500)
def test_a_bad_challenger_goes_back_and_a_killed_gateway_comes_back(tmp_path: Path) -> None:
    root, kept = tmp_path / "project", tmp_path / "kept"
    copy_repository(root, but=("tests/", "docs/"))
    project = begin(root)
    asked = ("drill", "errors", "gateway", "--keep", str(kept), "--json")
    done = project.evergreen(*asked, seconds=1400)
    assert done.returncode == 0, done.stderr + done.stdout
    told = json.loads(done.stdout)
    errors, gateway = told["drills"]
    assert (errors["real"], gateway["real"]) == ("rolled back", "promoted")
    for drill in (errors, gateway):
        assert sum(drill["bad"].values()) == 0
        assert drill["requests"] > 500
        assert drill["problems"] == []
    assert errors["measured"]["decision to weight 0"] <= 2
    # A kill that nobody noticed was none.
    assert gateway["sent_again"] > 0
    assert "<svg" in Path(told["page"]).read_text(encoding="utf-8")
    # The user's own repository is as it was, and nothing runs on.
    assert project.git("status", "--porcelain") == ""
    assert project.git("tag") == ""
    left = [
        each.info["cmdline"]
        for each in psutil.process_iter(["cmdline"])
        if str(kept) in " ".join(each.info["cmdline"] or [])
    ]
    assert left == []


def test_a_drill_that_there_is_not_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "project"
    copy_repository(root, but=("tests/", "docs/"))
    done = begin(root).evergreen("drill", "fire")
    assert done.returncode == 2
    assert "there is no drill fire" in done.stderr
