"""A real Prefect server and worker under Supervisor."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows import deployments, prefect_programs
from pipelines.errors import FleetError
from pipelines.fleet import strays
from pipelines.fleet.fleet import Fleet
from pipelines.fleet.layout import Layout
from pipelines.packaging.server import free_ports
from pipelines.paths import HomePaths
from pipelines.stack.starting import down
from tests.fleet.programs import until
from tests.throwaway import Project, make_project


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
    port, tokens, metrics = free_ports(3)
    path = project.root / "params.yaml"
    content = yaml.safe_load(path.read_text())
    content["gateway"] = {"port": port, "metrics_port": metrics}
    content["identity"] = {"port": tokens}
    path.write_text(yaml.safe_dump(content))
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
