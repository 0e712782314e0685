"""The parameters of the demo: one model, a loop that turns in minutes, and a gateway of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from flows import deployments
from flows.quick import one_model
from flows.throwaway import MODEL
from pipelines import settings
from pipelines.ports import free_ports
from pipelines.settings import PARAMS_FILE
from pipelines.versioning.git import Repository

CLIENT, ADMIN, TIER = "airport", "on-call", "demo"
# What the monitor judges at a time, two months of flights. With less it would ask for a challenger
# that knows April only, of which the gate cannot tell: docs/explanation/year.md shows that.
WINDOW_ROWS = 58_500
_MONITOR_SECONDS = 30
_LOOK_SECONDS = 2.0


def prepare(clone: Path) -> None:
    """Write and commit what the demo changes.

    Raises:
        SettingsError: the project's own files cannot be read.
    """
    file = clone / PARAMS_FILE
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    _write(file, params(content["models"][MODEL], free_ports(3)))
    settings.load(clone)
    schedule = clone / deployments.FILE
    _write(schedule, hurried(yaml.safe_load(schedule.read_text(encoding="utf-8"))))
    changed = (PARAMS_FILE, str(deployments.FILE))
    Repository(clone).commit_all("Set what the demo needs", *changed)


def params(model: dict[str, Any], ports: list[int]) -> dict[str, Any]:
    """The parameters: the model's own, but for what takes days with the traffic of a real service.

    Args:
        model: its own parameters.
        ports: of the gateway, of its metrics, and of the token endpoint.
    """
    given = {"monitor": {"window_rows": WINDOW_ROWS}}
    return one_model(model, given, ports, {TIER: {"per_second": 500, "burst": 1000}})


def hurried(content: dict[str, Any]) -> dict[str, Any]:
    """The deployments, looking every half minute and every two seconds where they wait longer."""
    for each in content["deployments"]:
        if each["name"].startswith("monitor-"):
            each["schedules"] = [{"interval": _MONITOR_SECONDS, "active": True}]
        if each["name"].startswith("rollout-"):
            each["parameters"]["every_seconds"] = _LOOK_SECONDS
    return content


def _write(file: Path, content: dict[str, Any]) -> None:
    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
