"""What is brought in line when nobody does it, and what is said when that is impossible."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.fleet.fleet import Fleet
from pipelines.fleet.layout import Layout
from pipelines.fleet.locks import held
from pipelines.paths import HomePaths
from pipelines.rollout.state import Phase
from pipelines.stack import applied, keeper, programs
from pipelines.stack.starting import up
from tests.stack.known import rollout
from tests.stack.project import Project
from tests.waiting import until


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
    assert looked is not None
    assert "params.yaml" in str(looked.problem)
    assert keeper.last(project.home) == looked
    (project.root / "params.yaml").write_text(whole)
    assert keeper.look(project.root) == keeper.last(project.home)
    found = keeper.last(project.home)
    assert found is not None
    assert found.problem is None


def test_a_damaged_note_is_none(tmp_path: Path) -> None:
    home = HomePaths(tmp_path)
    keeper.path(home).parent.mkdir(parents=True)
    keeper.path(home).write_text("[]")
    assert keeper.last(home) is None


def _decide_and_die(root: Path) -> None:
    """A controller that is killed between what it writes and what it routes."""
    Project(root, 0).roll_out(rollout(Phase.ROLLED_BACK, 3, generation=9))
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
def test_a_decision_of_a_killed_controller_is_routed_before_the_next_look(
    project: Project,
) -> None:
    project.promote("v1")
    project.register("v2")
    project.roll_out(rollout(Phase.STEPPING, 3, generation=8))
    assert up(project.root).reconciled.ready == {"alpha@v1", "alpha@v2"}
    assert project.answers() == {"v1", "v2"}
    # A look an hour, so that nothing but a glance can have seen it.
    code = "from pipelines.stack import keeper; from pathlib import Path; import sys;"
    code += "keeper.EVERY_SECONDS = 3600; keeper.main(Path(sys.argv[1]))"
    looks = subprocess.Popen([sys.executable, "-c", code, str(project.root)])
    try:
        until(lambda: keeper.last(project.home))
        controller = multiprocessing.get_context("spawn").Process(
            target=_decide_and_die, args=(project.root,)
        )
        controller.start()
        controller.join()
        assert controller.exitcode == -signal.SIGKILL
        until(lambda: applied.read(project.home).weights == {"alpha": {"alpha@v1": 100}})
        assert project.answers() == {"v1"}
    finally:
        looks.kill()
        looks.wait()


def test_whoever_starts_servers_holds_up_a_look_and_no_glance(project: Project) -> None:
    project.promote("v1")
    project.register("v2")
    project.roll_out(rollout(Phase.STEPPING, 2, generation=2))
    assert up(project.root).reconciled.ready == {"alpha@v1", "alpha@v2"}
    with held(project.home.fleet / "fleet.lock", 1.0):
        assert keeper.look(project.root) is None
        project.roll_out(rollout(Phase.STEPPING, 3, generation=3))
        keeper.glance(project.root, time.monotonic() + keeper.GLANCE_SECONDS)
    assert applied.read(project.home).weights == {"alpha": {"alpha@v1": 50, "alpha@v2": 50}}
