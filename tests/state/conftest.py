from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from pipelines.state import store


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def engine(database: Path) -> sa.Engine:
    return store.connect(database)
