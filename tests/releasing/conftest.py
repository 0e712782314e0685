from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.paths import HOME
from tests.releasing.world import World, make


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("releasing") / "project"
    make(root)
    return root


@pytest.fixture
def world(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.delenv(HOME, raising=False)
    monkeypatch.delenv("EVERGREEN_DATABASE_URL", raising=False)
    root = tmp_path / "project"
    shutil.copytree(made, root)
    found = World.at(root)
    yield found
    found.project.engine.dispose()
