"""A state store, and people who can be told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipelines.state import store
from tests.alerting.people import Person


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sa.Engine]:
    monkeypatch.delenv("EVERGREEN_DATABASE_URL", raising=False)
    engine = store.connect(tmp_path / "state.db")
    yield engine
    engine.dispose()


@pytest.fixture
def person() -> Iterator[Person]:
    found = Person()
    yield found
    found.close()
