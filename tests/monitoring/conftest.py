from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.monitoring.baseline import VersionFiles
from pipelines.state import store
from tests.monitoring import factories
from tests.monitoring.factories import World


@pytest.fixture(scope="session")
def version_files(tmp_path_factory: pytest.TempPathFactory) -> VersionFiles:
    return factories.version(tmp_path_factory.mktemp("version"))


@pytest.fixture
def world(version_files: VersionFiles, tmp_path: Path) -> World:
    engine = store.connect(tmp_path / "state.db")
    return World(version_files, tmp_path, engine, factories.settings())
