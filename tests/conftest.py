"""For all tests."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that two workers end together instead of one after the other."""
    items.sort(
        key=lambda item: (item.get_closest_marker("slow") is None, "faults" not in str(item.path))
    )
