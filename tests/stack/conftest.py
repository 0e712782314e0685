"""A project whose stack is ended with the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.stack.starting import down
from tests.stack import project as projects
from tests.stack.project import Project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.delenv("EVERGREEN_HOME", raising=False)
    monkeypatch.delenv("EVERGREEN_DATABASE_URL", raising=False)
    project = projects.make(tmp_path / "p")
    yield project
    down(project.root)
