"""Fixtures: a model folder, and a bento built from it; made once in a test run."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from pipelines.packaging import Labels, build
from pipelines.paths import HomePaths
from tests.model_folder import make_model_folder

LABELS = Labels(git_sha="a" * 40, data_hash="b" * 32, params_hash="c" * 64, lock_hash="d" * 64)


class Packaged(NamedTuple):
    """A bento in a home of its own, and the model folder that it was built from."""

    artifact: Path
    home: HomePaths
    tag: str


@pytest.fixture(scope="session")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder to read; tests that change it work on a copy."""
    folder = tmp_path_factory.getbasetemp() / "artifact"
    if not folder.exists():
        make_model_folder(folder, rows=1200, seed=7)
    return folder


@pytest.fixture(scope="session")
def packaged(artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Packaged:
    """The same for every package that imports this fixture: building is idempotent."""
    home = HomePaths(tmp_path_factory.getbasetemp() / "home")
    return Packaged(artifact, home, build(artifact, LABELS, "v3", home))
