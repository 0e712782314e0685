"""What is brought in line when nobody does it, and what is said when that is impossible."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.fleet.fleet import Fleet
from pipelines.fleet.layout import Layout
from pipelines.paths import HomePaths
from pipelines.rollout.state import Phase
from pipelines.stack import applied, keeper, programs
from pipelines.stack.starting import up
from tests.fleet.programs import until
from tests.stack.known import rollout
from tests.stack.project import Project


@pytest.mark.slow
def test_a_state_that_nobody_applied_is_applied(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.promote("v1")
    project.register("v2")
    up(project.root, [programs.keeper(project.root, project.home)])
    project.roll_out(rollout(Phase.STEPPING, 3))
    weights = {"alpha": {"alpha@v1": 50, "alpha@v2": 50}}
    until(lambda: applied.read(project.home).weights == weights)
    states = {each.program: each.state for each in Fleet(Layout.of(project.home)).processes()}
    assert states["keeper"].is_alive


def test_what_keeps_it_from_that_is_written_down_and_crossed_out(project: Project) -> None:
    assert keeper.last(project.home) is None
    whole = (project.root / "params.yaml").read_text()
    (project.root / "params.yaml").write_text("models: {}\n")
    looked = keeper.look(project.root)
    assert looked.problem is not None
    assert "params.yaml" in looked.problem
    assert keeper.last(project.home) == looked
    (project.root / "params.yaml").write_text(whole)
    assert keeper.look(project.root).problem is None


def test_a_damaged_note_is_none(tmp_path: Path) -> None:
    home = HomePaths(tmp_path)
    keeper.path(home).parent.mkdir(parents=True)
    keeper.path(home).write_text("[]")
    assert keeper.last(home) is None
