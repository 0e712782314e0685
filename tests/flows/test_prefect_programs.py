"""A real Prefect server and worker under Supervisor."""

from __future__ import annotations

import json
import urllib.request
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from flows import deployments, events, prefect_programs
from pipelines.errors import FleetError
from pipelines.fleet import strays
from pipelines.fleet.fleet import Fleet
from pipelines.fleet.layout import Layout
from pipelines.paths import HomePaths
from pipelines.stack.starting import down
from tests.flows import looped
from tests.flows.prefect_api import patiently
from tests.throwaway import Project, make_project
from tests.tuning import postgres
from tests.waiting import until


def test_a_server_that_is_named_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    home = HomePaths(tmp_path)
    programs, url = prefect_programs.programs(tmp_path, home, Fleet(Layout.of(home)))
    assert url == "http://127.0.0.1:9/api"
    [worker] = programs
    assert (worker.name, worker.stop_signal) == ("prefect-worker", "INT")
    assert worker.environment["PREFECT_API_URL"] == url


def test_a_server_of_our_own_keeps_its_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    home = HomePaths(tmp_path)
    first = prefect_programs.programs(tmp_path, home, Fleet(Layout.of(home)))
    assert [each.name for each in first[0]] == ["prefect-server", "prefect-worker"]
    assert prefect_programs.programs(tmp_path, home, Fleet(Layout.of(home))) == first


def test_a_server_that_does_not_come_is_an_error_with_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.prefect_programs.START_SECONDS", 0.0)
    with pytest.raises(FleetError, match=r"prefect-server\.log"):
        prefect_programs.deploy(tmp_path, HomePaths(tmp_path), "http://127.0.0.1:9/api")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    project = make_project(tmp_path / "p")
    looped.use_free_ports(project)
    yield project
    down(project.root)


def asked(url: str) -> Any:
    request = urllib.request.Request(url, b"{}", {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as response:
        return json.loads(response.read())


@pytest.mark.slow
def test_deployments_and_a_worker_are_there(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = project.evergreen("up", "--prefect", "--json", PREFECT_API_URL="")
    assert done.returncode == 0, done.stderr
    url = json.loads(done.stdout)["prefect"]
    written = yaml.safe_load(deployments.of_project(project.root))
    names = {each["name"] for each in written["deployments"]}
    assert {each["name"] for each in asked(f"{url}/deployments/filter")} == names
    until(lambda: asked(f"{url}/work_pools/evergreen/workers/filter")[0]["status"] == "ONLINE")
    again = project.evergreen("up", "--prefect", "--json", PREFECT_API_URL="")
    assert json.loads(again.stdout)["changed"] == []
    assert project.evergreen("down").returncode == 0
    assert strays.find(project.home.fleet) == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_prefect_keeps_its_state_in_postgresql_by_one_variable(project: Project) -> None:
    programs = postgres.with_trigrams()
    if programs is None:
        pytest.skip("Prefect needs pg_trgm, which neither the wheel nor this machine has")
    with postgres.running(programs) as server:
        server.empty()
        place = f"evergreen:{quote(postgres.PASSWORD, safe='')}@127.0.0.1:{server.port}/studies"
        variable = {"PREFECT_SERVER_DATABASE_CONNECTION_URL": f"postgresql+asyncpg://{place}"}
        try:
            prefect = looped.up(project, **variable)
            names = {each["name"] for each in prefect.post("deployments/filter")}
            assert {"retrain-alpha", "monitor-beta", "reconcile"} <= names
            now = datetime.now(UTC).isoformat()
            event = {
                "id": str(uuid.uuid4()),
                "occurred": now,
                "event": events.DRIFT,
                "resource": {"prefect.resource.id": "evergreen.model.alpha"},
                "payload": {"trigger": 7, "attempt": 1},
            }
            prefect.post("events", [event])
            patiently(lambda: bool(prefect.runs("retrain-alpha")), 120)
            [run] = prefect.runs("retrain-alpha")
            # It ran, and found that the inbox knows of no such trigger.
            assert prefect.ended(run["id"]) == "Failed"
            assert prefect.run(run["id"])["parameters"]["trigger"] == 7
            assert "there is no such trigger" in prefect.run(run["id"])["state"]["message"]
            # Schedules, too, which SQLAlchemy 2.1 stops without our mending.
            wanted = {"deployments": {"name": {"any_": ["monitor-alpha"]}}}
            scheduled = prefect.post("flow_runs/filter", wanted)
            assert any(each["auto_scheduled"] for each in scheduled)
            [(count,)] = server.rows("SELECT count(*) FROM flow_run")
            assert count >= 2
            assert not (project.home.prefect / "prefect.db").exists()
        finally:
            down(project.root)
