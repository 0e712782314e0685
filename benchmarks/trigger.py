"""From an event to a flow run that runs: the local stack's own Prefect, in a throwaway clone.

Each event is what the monitor tells when the inbox lets a retrain begin; the run finds that its
attempt was taken up, and trains nothing. What is timed is what everybody waits for: the automation
notices, the worker asks, a process starts, and the flow is loaded.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import yaml

from benchmarks.clones import clone
from pipelines.ports import free_ports
from pipelines.versioning.git import Repository

# Of one model the automation takes an event a minute; one more second, for two clocks.
_COOL_SECONDS = 61.0
_WAIT_SECONDS = 180.0
_PARTS = ("noticed", "taken by the worker", "running")


def run(events: int) -> None:
    with clone() as (place, environment):
        models = _own_ports(place)
        try:
            up = _evergreen(place, environment, "up", "--prefect", "--json")
            os.environ.update(environment, PREFECT_API_URL=up["prefect"])
            found = _measured(up["prefect"], place, models, events)
        finally:
            _evergreen(place, environment, "down", "--json")
    for number, name in enumerate(_PARTS):
        seconds = [each[number] for each in found]
        middle, worst = statistics.median(seconds), max(seconds)
        print(f"{name} after: median {middle:.1f} s, worst {worst:.1f} s")


def _own_ports(place: Path) -> list[str]:
    """Beside whatever else runs on this machine; the names of the models."""
    path = place / "params.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    port, tokens, metrics = free_ports(3)
    content |= {"gateway": {"port": port, "metrics_port": metrics}, "identity": {"port": tokens}}
    content |= {"dashboard": {"serve": False}}
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    Repository(place).commit_all("Use free ports", "params.yaml")
    return list(content["models"])


def _measured(
    url: str, place: Path, models: list[str], events: int
) -> list[tuple[float, float, float]]:
    """By event, after how many seconds its run was there, was taken, and ran."""
    from flows import events as told
    from pipelines.monitoring.triggers import inbox
    from pipelines.monitoring.triggers.events import asked_by_a_person
    from pipelines.paths import home
    from pipelines.settings import TriggerSettings
    from pipelines.state import store

    engine, starts = store.connect(home(place).database), {}
    for model in models:
        now = datetime.now(UTC)
        inbox.offer(engine, asked_by_a_person(model, "a measurement", now), now)
        start = inbox.settle(engine, model, TriggerSettings(), now)
        assert start is not None
        inbox.take(engine, start.trigger.id, start.attempt)
        starts[model] = start
    _until_online(url)
    found = []
    for number in range(events):
        model = models[number % len(models)]
        if number and number % len(models) == 0:
            time.sleep(_COOL_SECONDS)
        known = {each["id"] for each in _runs(url, model)}
        at = time.time()
        told.tell_start(starts[model])
        found.append(_times(url, model, known, at))
        print(f"event {number + 1}, {model}: {found[-1][-1]:.1f} s", flush=True)
    return found


def _times(url: str, model: str, known: set[str], at: float) -> tuple[float, float, float]:
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        for each in _runs(url, model):
            if each["id"] not in known and each["start_time"]:
                states = _ask(url, f"flow_run_states/?flow_run_id={UUID(each['id'])}", None)
                moment = {state["type"]: _unix(state["timestamp"]) - at for state in states[::-1]}
                return moment["SCHEDULED"], moment["PENDING"], moment["RUNNING"]
        time.sleep(0.5)
    raise SystemExit(f"no run of retrain-{model} began within {_WAIT_SECONDS:g} s")


def _runs(url: str, model: str) -> list[dict[str, Any]]:
    wanted = {"deployments": {"name": {"any_": [f"retrain-{model}"]}}}
    return [each for each in _ask(url, "flow_runs/filter", wanted) if not each["auto_scheduled"]]


def _until_online(url: str) -> None:
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        workers = _ask(url, "work_pools/evergreen/workers/filter", {})
        if any(each["status"] == "ONLINE" for each in workers):
            return
        time.sleep(0.5)
    raise SystemExit(f"no worker is online after {_WAIT_SECONDS:g} s")


def _ask(url: str, path: str, content: object) -> Any:
    method = "GET" if content is None else "POST"
    answer = httpx.request(method, f"{url}/{path}", json=content, timeout=30)
    answer.raise_for_status()
    return answer.json()


def _unix(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def _evergreen(place: Path, environment: dict[str, str], *arguments: str) -> Any:
    command = [sys.executable, "-m", "flows", *arguments]
    unnamed = {key: value for key, value in environment.items() if key != "PREFECT_API_URL"}
    done = subprocess.run(
        command, cwd=place, env=unnamed, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{command} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout)
