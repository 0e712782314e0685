"""The mark of a state store changes with what routes follow from, and with nothing else."""

from __future__ import annotations

from pathlib import Path

from pipelines.rollout.state import Phase
from pipelines.stack import watching
from pipelines.state import leases
from tests.stack import project as projects
from tests.stack.known import rollout


def test_it_changes_with_every_step_and_with_what_is_live(tmp_path: Path) -> None:
    project = projects.make(tmp_path / "p")
    engine = project.engine
    seen = [watching.mark(engine)]

    def is_news() -> bool:
        seen.append(watching.mark(engine))
        return seen[-1] not in seen[:-1]

    project.promote("v1")
    assert is_news()
    project.roll_out(rollout(Phase.MIRRORING))
    assert is_news()
    project.roll_out(rollout(Phase.STEPPING, 3, generation=2))
    assert is_news()
    project.roll_out(rollout(Phase.ROLLED_BACK, 3, generation=3))
    assert watching.mark(engine) != seen[-1]
    project.promote("v2")
    assert is_news()


def test_it_stays_while_nothing_moves(tmp_path: Path) -> None:
    project = projects.make(tmp_path / "p")
    project.promote("v1")
    before = watching.mark(project.engine)
    with leases.hold(project.engine, "rollout/alpha", "a test", 30.0):
        assert watching.mark(project.engine) == before
    project.register("v2")
    assert watching.mark(project.engine) == before
