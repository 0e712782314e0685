"""A project with everything that a clean-up may meet: real folders, a real store, a real git."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipelines.gateway.table import Endpoint
from pipelines.packaging.store import MANIFEST
from pipelines.rollout.state import Phase
from pipelines.stack import applied
from pipelines.state import ledger, runs
from pipelines.versioning.git import Repository
from tests.stack.known import rollout
from tests.stack.project import MODEL, Project
from tests.throwaway import begin

OLD = timedelta(days=200)


class World:
    """v1 to v6 were live, v7 is in a rollout over v6; three runs came to nothing."""

    def __init__(self, project: Project) -> None:
        self.project, self.home = project, project.home
        (project.root / ".gitignore").write_text(".evergreen/\n")
        begin(project.root)
        self.repository = Repository.at(project.root)
        for number in range(1, 7):
            project.promote(f"v{number}")
            self.version(f"v{number}-aaaaaaaaaaaa")

    def version(self, name: str) -> Path:
        """A version folder."""
        return self.write(self.home.versions(MODEL) / name / "model.onnx")

    def run(self, status: str, *, commit: str | None = None, is_with_tree: bool = True) -> str:
        """A retrain in this state, with its branch and perhaps its work tree."""
        head = self.repository.head()
        run, _ = runs.begin(self.project.engine, MODEL, head, {"n": status}, "a test")
        branch = f"retrain/{MODEL}/{run.id}"
        if is_with_tree:
            folder = self.home.worktrees / f"{MODEL}-{run.id}"
            self.repository.add_worktree(folder, branch, head)
        else:
            self.repository.git("branch", branch, head)
        runs.update(self.project.engine, run.id, commit=commit)
        if status != runs.RUNNING:
            runs.finish(self.project.engine, run.id, status)
        return run.id

    def roll_out(self) -> None:
        """Have v2 roll out over v1, however old the two are."""
        self.project.roll_out(rollout(Phase.STEPPING, 2))

    def route(self, version: str) -> None:
        """Have told the gateway of a version."""
        name, end = f"{MODEL}@{version}", (Endpoint("127.0.0.1", 1, 2),)
        told = applied.Applied(3, {MODEL: name}, {MODEL: {name: 100}}, {}, {}, {name: end})
        applied.write(told, self.home)

    def segment(self, age: timedelta) -> Path:
        """A closed segment of predictions whose last row is as old."""
        last = datetime.now(UTC) - age
        times = f"{last - timedelta(hours=1):%Y%m%dT%H%M%S%f}-{last:%Y%m%dT%H%M%S%f}"
        return self.write(self.home.predictions(MODEL) / f"{times}-0123456789abcdef.parquet")

    def write(self, path: Path, age: timedelta = timedelta()) -> Path:
        """A file of a hundred bytes that was last written so long ago."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 100)
        self.age(path, age)
        return path

    def age(self, path: Path, age: timedelta) -> None:
        at = (datetime.now(UTC) - age).timestamp()
        os.utime(path, (at, at))

    def half_bento(self, name: str, age: timedelta) -> Path:
        """What a kill left of a bento: no manifest."""
        folder = self.home.bentoml / "bentos" / MODEL / name
        folder.mkdir(parents=True)
        self.age(folder, age)
        return folder

    def bentos(self) -> set[str]:
        """The numbers of the bentos that are there in full."""
        folder = self.home.bentoml / "bentos" / MODEL
        return {each.name.split("-")[0] for each in folder.iterdir() if (each / MANIFEST).exists()}

    def branches(self) -> set[str]:
        listed = self.repository.git("for-each-ref", "--format=%(refname:short)", "refs/heads")
        return {name for name in listed.split() if name.startswith("retrain/")}


__all__ = ["MODEL", "OLD", "World", "ledger"]
