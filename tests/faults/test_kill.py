"""SIGKILL at any point: the next run goes on, and there is one story afterwards."""

from __future__ import annotations

from pipelines.state import ledger, runs
from pipelines.versioning import versions
from pipelines.versioning.git import Repository
from tests.faults.killing import (
    Retrain,
    Whom,
    counted,
    finished,
    packaging,
    running,
    tagged,
    unwritable_store,
    work_tree_appears,
)
from tests.orchestration import processes_in
from tests.throwaway import MONTHS, Project
from tests.waiting import until

STAGES = ("ingest", "validate", "split", "tune", "train", "evaluate")


def _one_story(project: Project, number: int, branches: int) -> None:
    """One version a promotion, and tag, ledger and run agree; nothing is left behind."""
    registered = versions.registered(Repository.at(project.root), "alpha")
    entries = ledger.history(project.engine, "alpha")
    promoted = [r for r in runs.latest(project.engine, "alpha") if r.status == runs.PROMOTED]
    assert [version.number for version in registered] == list(range(1, number + 1))
    named = [(version.name, version.commit) for version in reversed(registered)]
    assert [(entry.version, entry.commit) for entry in entries] == named
    assert [(run.version, run.commit) for run in promoted] == named
    assert project.git("worktree", "list").count("\n") == 0
    assert list(project.home.worktrees.iterdir()) == []
    listed = project.git("for-each-ref", "--format=%(refname:short)", "refs/heads").splitlines()
    assert len(listed) == 1 + branches
    until(lambda: processes_in(project) == [], seconds=15)


def test_killed_again_and_again_it_ends_as_one_version(trained: Project) -> None:
    asked = ("alpha", "--until", MONTHS[2])
    said = [Retrain(trained, *asked).kill_when(packaging, "tree")]
    last = Retrain(trained, *asked)
    until(lambda: finished("package")(last), seconds=120)
    with unwritable_store(trained):
        # The tag is written, and the ledger cannot be: exactly between the two.
        said.append(last.kill_when(tagged("alpha@v2.0.0")))
    assert len(ledger.history(trained.engine, "alpha")) == 1
    final = Retrain(trained, *asked)
    said.append(final.end())
    assert final.process.returncode == 0, said[-1]
    assert "it was killed before, and goes on" in said[-1]
    assert [counted(said, f"{stage}@alpha") for stage in STAGES] == [1] * len(STAGES)
    _one_story(trained, number=2, branches=2)


def test_killed_before_the_ledger_and_then_asked_otherwise(trained: Project) -> None:
    asked = ("alpha", "--until", MONTHS[2])
    left = Retrain(trained, *asked)
    until(lambda: finished("package")(left), seconds=120)
    with unwritable_store(trained):
        left.kill_when(tagged("alpha@v2.0.0"))
    half = trained.git("rev-parse", "alpha@v2.0.0^{commit}")
    # Nobody takes it up any more: its tag is of a version that never was.
    other = Retrain(trained, *asked, "--set", "evaluate.bins=7")
    said = other.end()
    assert other.process.returncode == 0, said
    assert trained.git("rev-parse", "alpha@v2.0.0^{commit}") != half
    assert runs.ABANDONED in [run.status for run in runs.latest(trained.engine, "alpha")]
    _one_story(trained, number=2, branches=3)


def test_killed_in_every_stage(trained: Project) -> None:
    asked = ("alpha", "--until", MONTHS[2])
    said = []
    for number, stage in enumerate(STAGES):
        whom: Whom = "tree" if number % 2 else "flow"
        said.append(Retrain(trained, *asked).kill_when(running(f"{stage}@alpha"), whom))
    final = Retrain(trained, *asked)
    said.append(final.end())
    assert final.process.returncode == 0, said[-1]
    assert [counted(said, f"{name}@alpha") for name in STAGES] == [1] * len(STAGES)
    _one_story(trained, number=2, branches=2)


def test_killed_after_every_step(trained: Project) -> None:
    asked = ("alpha", "--until", MONTHS[2])
    steps = ("gate", "push", "promote")
    said = [Retrain(trained, *asked).kill_when(work_tree_appears)]
    said += [Retrain(trained, *asked).kill_when(finished(step)) for step in steps]
    final = Retrain(trained, *asked)
    said.append(final.end())
    # Killed at its very end, a run may be over; the next is then its own, and finds nothing new.
    is_another = final.process.returncode == 1
    assert final.process.returncode in {0, 1}, said[-1]
    assert [counted(said, f"{name}@alpha") for name in STAGES] == [1] * len(STAGES)
    _one_story(trained, number=2, branches=3 if is_another else 2)
