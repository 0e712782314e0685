"""For all tests."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from tests.orchestration import SHARED, end_prefect


def pytest_configure(config: pytest.Config) -> None:
    """A folder for what the workers share; they are started later and are told of it."""
    # Some tests import ONNX Runtime before anything of ours does.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    if not hasattr(config, "workerinput"):
        os.environ[SHARED] = tempfile.mkdtemp(prefix="evergreen-tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shared = Path(os.environ.pop(SHARED))
        end_prefect(shared)
        shutil.rmtree(shared, ignore_errors=True)


def pytest_runtest_setup() -> None:
    """Keep absl, which comes with TensorFlow, from closing pytest's capture.

    Its log handler holds the `sys.stderr` of the moment of its import, and closes it when logging
    is configured anew (by Prefect) while `sys.stderr` is another one (a test's own capture).
    """
    if absl := sys.modules.get("absl.logging"):
        absl.get_absl_handler().python_handler.stream = sys.__stderr__


# Whole retrains, kills and networks: each test in them takes seconds to minutes.
SLOW = ("tests/e2e/", "tests/faults/", "tests/models/neural/")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow folders; the longest go first, so that two workers end together."""
    for item in items:
        if item.nodeid.startswith(SLOW):
            item.add_marker(pytest.mark.slow)
        if "dask" in item.nodeid:
            item.add_marker(pytest.mark.cluster)
    items.sort(key=lambda item: not item.nodeid.startswith("tests/faults/"))
