"""Evidently's interface as a process of its own: it shows what others write while it runs."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipelines.monitoring import evidently_report
from pipelines.monitoring.evidently_report import Compared
from pipelines.ports import free_port
from pipelines.settings import MonitorSettings
from tests.flows.prefect_api import patiently
from tests.orchestration import end_group

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
NOW = datetime(2026, 3, 10, tzinfo=UTC)
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """Its address, on a folder in which nothing is yet."""
    port = free_port()
    command = ["-m", "pipelines.monitoring.dashboard", str(tmp_path / "timeline"), str(port)]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=REPOSITORY,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        patiently(lambda: _ask(address, "api/projects") == [], 180)
        yield address
    finally:
        end_group(process)


def _ask(address: str, path: str) -> Any:
    try:
        with urllib.request.urlopen(f"{address}/{path}", timeout=10) as answer:
            return json.load(answer)
    except OSError:
        return None


def _keep(workspace: Path, model: str, day: int) -> None:
    draw = np.random.default_rng(day)
    rows = pd.DataFrame({"speed": draw.normal(size=300), "kind": draw.choice(["a", "b"], 300)})
    compared = Compared(rows, rows, ("speed",), ("kind",))
    settings, at = MonitorSettings(), NOW + timedelta(days=day)
    evidently_report.keep_on_timeline(compared, settings, workspace, model, at)


def test_windows_are_shown_as_they_come(served: str, tmp_path: Path) -> None:
    for day in range(3):
        for model in ("flights", "digits"):
            _keep(tmp_path / "timeline", model, day)

    def shown() -> dict[str, int]:
        found = _ask(served, "api/projects") or []
        reports = {
            each["name"]: _ask(served, f"api/projects/{each['id']}/reports") for each in found
        }
        return {name: len(each or []) for name, each in reports.items()}

    patiently(lambda: shown() == {"flights": 3, "digits": 3}, 60)
    [project] = [each for each in _ask(served, "api/projects") if each["name"] == "flights"]
    panels = _ask(served, f"api/v2/dashboards/{project['id']}")["panels"]
    assert [each["title"] for each in panels] == ["Columns that moved", "Answers compared"]
