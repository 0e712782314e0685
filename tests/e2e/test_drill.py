"""`evergreen drill`, as a person runs it: real trainings, a real stack, and real kills."""

from __future__ import annotations

import json
import math
from pathlib import Path

import psutil
import pytest

from flows.drills import load
from tests.throwaway import begin, copy_repository


@pytest.mark.slow
@pytest.mark.demo
@pytest.mark.timeout(2100)
def test_what_breaks_is_seen_by_no_client(tmp_path: Path) -> None:
    root, kept = tmp_path / "project", tmp_path / "kept"
    copy_repository(root, but=("tests/", "docs/"))
    project = begin(root)
    asked = ("drill", "errors", "gateway", "decision", "cold", "--keep", str(kept), "--json")
    done = project.evergreen(*asked, seconds=2000)
    assert done.returncode in (0, 1), done.stderr
    told = json.loads(done.stdout)
    drills = {each["name"]: each for each in told["drills"]}
    assert {name: each["real"] for name, each in drills.items()} == {
        "errors": "rolled back",
        "gateway": "promoted",
        "decision": "rolled back",
        "cold": "the version named",
    }, done.stderr
    for name, drill in drills.items():
        bad = dict(drill["bad"])
        if name == "gateway" and drill["measured"]["serving again"] > load.PATIENCE_SECONDS:
            # On a machine this busy some clients gave up before Envoy was back.
            bad.pop("unanswered")
        assert sum(bad.values()) == 0, name
        assert drill["requests"] > 500 or name == "cold"
    for name in ("errors", "decision"):
        assert math.isfinite(drills[name]["measured"]["decision to weight 0"])
    assert math.isfinite(drills["cold"]["measured"]["its first answer"])
    # A kill that nobody noticed was none.
    assert drills["gateway"]["sent_again"] > 0
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
