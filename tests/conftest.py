"""For all tests."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.orchestration import SHARED, end_prefect


def pytest_configure(config: pytest.Config) -> None:
    """A folder for what the workers share; they are started later and are told of it."""
    if not hasattr(config, "workerinput"):
        os.environ[SHARED] = tempfile.mkdtemp(prefix="evergreen-tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shared = Path(os.environ.pop(SHARED))
        end_prefect(shared)
        shutil.rmtree(shared, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that two workers end together instead of one after the other."""
    items.sort(
        key=lambda item: (item.get_closest_marker("slow") is None, "faults" not in str(item.path))
    )
