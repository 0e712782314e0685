from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.versioning.git import Repository
from tests.throwaway import Project, make_project


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("versioning") / "project")


@pytest.fixture
def project(_made: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project to change, which is also the current folder."""
    copy = _made.copied(tmp_path / "project")
    for key, value in copy.environment.items():
        monkeypatch.setenv(key, value)
    monkeypatch.chdir(copy.root)
    return copy


@pytest.fixture
def repository(project: Project) -> Repository:
    return Repository.at(project.root)
