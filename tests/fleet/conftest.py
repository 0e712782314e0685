"""A fleet that is ended with the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.fleet.fleet import Fleet
from pipelines.fleet.layout import Layout


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    fleet = Fleet(Layout(tmp_path / "home" / "fleet", tmp_path / "home" / "logs"))
    yield fleet
    fleet.end()
