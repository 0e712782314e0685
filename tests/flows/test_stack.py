"""The verbs of the stack: with servers that are quick to start, and once with real ones."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import sqlalchemy as sa
import typer
import yaml

from flows import identity, injecting, stack
from flows.cli.stack import milliseconds
from flows.views import looking
from flows.views import stack as views
from pipelines.errors import IdentityError, SettingsError, StateError
from pipelines.fleet import strays
from pipelines.fleet.fleet import Fleet
from pipelines.fleet.layout import Layout
from pipelines.fleet.remote import Remote
from pipelines.golden import read as read_golden
from pipelines.golden import rows as golden_rows
from pipelines.identity.clients import Client
from pipelines.packaging import build
from pipelines.ports import free_ports
from pipelines.releasing.history import timeline
from pipelines.rollout.state import Phase
from pipelines.signature import Signature
from pipelines.stack import faults
from pipelines.stack.reconcile import reconcile
from pipelines.stack.starting import down
from pipelines.state import faults as planted_ever
from pipelines.state import ledger
from pipelines.state.ledger import PROMOTED, ROLLED_BACK, Promotion
from tests.flows.prefect_api import patiently
from tests.packaged import LABELS, artifact
from tests.stack.conftest import project
from tests.stack.known import rollout
from tests.stack.project import Project as Quick
from tests.throwaway import Project, evergreen, make_project
from tests.waiting import until

__all__ = ["artifact", "project"]


def shown(found: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> str:
    views.show_status(found, as_json=False)
    return capsys.readouterr().out


def test_status_before_and_after(project: Quick, capsys: pytest.CaptureFixture[str]) -> None:
    found = stack.status(project.root)
    assert (found["is_up"], found["processes"], found["models"][0]["live"]) == (False, [], None)
    assert "`evergreen up` starts it" in shown(found, capsys)

    project.promote("v1")
    project.register("v2")
    project.roll_out(rollout(Phase.STEPPING, 2))
    started = stack.up(project.root, is_with_prefect=False)
    views.show_up(started, as_json=False)
    said = capsys.readouterr().out
    assert "alpha@v1 75 %, alpha@v2 25 %" in said
    assert f"http://127.0.0.1:{project.port}/alpha/predict" in said
    assert "AUTHENTICATION IS OFF" in said
    views.show_up(started, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["ready"], told["is_protected"]) == (["alpha@v1", "alpha@v2"], False)

    found = json.loads(json.dumps(stack.status(project.root)))
    [alpha] = found["models"]
    assert (alpha["live"], alpha["weights"]) == ("alpha@v1", {"alpha@v1": 75, "alpha@v2": 25})
    assert (alpha["rollout"]["challenger"], alpha["rollout"]["weight_percent"]) == ("alpha@v2", 25)
    states = {each["program"]: each["is_routed"] for each in found["processes"]}
    others = dict.fromkeys(("gateway", "keeper", "teller"))
    assert states == {"alpha-v1-0": True, "alpha-v2-0": True, **others}
    said = shown(found, capsys)
    for text in ("alpha-v1-0", "75 % of the requests", "stepping, 25 %", "gateway"):
        assert text in said


@pytest.mark.slow
def test_a_dashboard_is_served_until_it_is_off(
    project: Quick, capsys: pytest.CaptureFixture[str]
) -> None:
    path = project.root / "params.yaml"
    content = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(content | {"dashboard": {}}))
    started = stack.up(project.root, is_with_prefect=False)
    views.show_up(started, as_json=False)
    assert f"dashboard: {started.dashboard}" in capsys.readouterr().out

    def is_answered() -> bool:
        try:
            with urllib.request.urlopen(f"{started.dashboard}/api/projects", timeout=5) as answer:
                return json.load(answer) == []
        except OSError:
            return False

    patiently(is_answered, 180)
    found = stack.status(project.root)
    assert (found["dashboard"], found["teller"]) == (started.dashboard, None)
    assert f"dashboard: {started.dashboard}" in shown(found, capsys)
    assert stack.up(project.root, is_with_prefect=False).stack.changed == ()
    patiently((project.home.metrics / "state.prom").exists, 60)

    path.write_text(yaml.safe_dump(content))
    assert stack.up(project.root, is_with_prefect=False).dashboard is None
    assert stack.status(project.root)["dashboard"] is None
    assert not is_answered()


def test_status_names_what_is_wrong(project: Quick, capsys: pytest.CaptureFixture[str]) -> None:
    project.promote("v1")
    project.mark("broken-v1")
    project.set(start_seconds=1)
    started = stack.up(project.root, is_with_prefect=False)
    views.show_up(started, as_json=False)
    said = capsys.readouterr().out
    assert "alpha@v1: NOT as it should be: alpha-v1-0 is" in said
    assert str(project.home.logs / "alpha-v1-0.log") in said

    pid = Remote(Layout.of(project.home).socket).pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: not Fleet(Layout.of(project.home)).is_up())
    found = stack.status(project.root)
    assert "gateway" in found["orphans"]
    assert "Supervisor was killed" in shown(found, capsys)


def test_a_server_that_is_not_ready_is_no_running_one(
    project: Quick, capsys: pytest.CaptureFixture[str]
) -> None:
    project.promote("v1")
    project.mark("busy-v1")
    project.set(start_seconds=1)
    started = stack.up(project.root, is_with_prefect=False)
    views.show_up(started, as_json=False)
    assert "answers 503 when asked if it is ready" in capsys.readouterr().out
    until(lambda: _of_server(project)["state"] == "RUNNING")
    told = _of_server(project)
    assert told["is_ready"] is False
    assert "503" in told["unready"]
    assert "not ready" in shown(stack.status(project.root), capsys)
    project.mark("busy-v1", is_there=False)
    until(lambda: _of_server(project)["is_ready"])


def _of_server(project: Quick) -> dict[str, Any]:
    found = stack.status(project.root)["processes"]
    return next(dict(each) for each in found if each["program"] == "alpha-v1-0")


def test_beside_a_cluster_nothing_is_served_from_here(
    project: Quick, capsys: pytest.CaptureFixture[str]
) -> None:
    project.promote("v1")
    stack.up(project.root, is_with_prefect=False)
    assert project.answers() == {"v1"}
    path = project.root / "params.yaml"
    content = yaml.safe_load(path.read_text())
    content["gateway"]["router"] = "kubernetes"
    path.write_text(yaml.safe_dump(content))

    started = stack.up(project.root, is_with_prefect=False)
    assert started.stack is None
    assert strays.find(project.home.fleet) == [], "what ran for the local gateway has ended"
    views.show_up(started, as_json=False)
    assert "none run here" in " ".join(capsys.readouterr().out.split())
    assert "none run here" in " ".join(shown(stack.status(project.root), capsys).split())
    views.show_up(started, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"router": "kubernetes", "prefect": None}
    with pytest.raises(SettingsError, match="a cluster's gateway"):
        injecting.inject(project.root, "alpha", injecting.Asked(100, 1, None, 5, None))


def test_a_chain_has_a_line_of_its_own(project: Quick, capsys: pytest.CaptureFixture[str]) -> None:
    project.chain("trip", then="beta")
    assert "trip (alpha and beta): not routed before" in shown(stack.status(project.root), capsys)
    project.promote("v1")
    project.promote("v1", model="beta")
    views.show_up(stack.up(project.root, is_with_prefect=False), as_json=False)
    said = capsys.readouterr().out
    assert f"trip: trip@v1.v1 100 %  http://127.0.0.1:{project.port}/trip/predict" in said
    found = stack.status(project.root)
    [row] = [each for each in found["processes"] if each["version"] == "trip@v1.v1"]
    assert (row["weight_percent"], row["is_ready"]) == (100, True)
    assert "trip (alpha and beta): trip@v1.v1" in shown(found, capsys)


def test_a_model_that_was_never_live_is_said(
    project: Quick, capsys: pytest.CaptureFixture[str]
) -> None:
    views.show_up(stack.up(project.root, is_with_prefect=False), as_json=False)
    assert "alpha: skipped" in capsys.readouterr().out
    views.show_down(was_up=down(project.root), as_json=False)
    assert capsys.readouterr().out == "ended\n"
    views.show_down(was_up=down(project.root), as_json=True)
    assert json.loads(capsys.readouterr().out) == {"was_up": False}


def test_a_fault_is_planted_and_goes_by_itself(
    project: Quick, capsys: pytest.CaptureFixture[str]
) -> None:
    project.promote("v1")
    asked = injecting.Asked(100, 0.1, "v1", None, 503)
    with pytest.raises(SettingsError, match="nothing is sent to"):
        injecting.inject(project.root, "alpha", asked)
    stack.up(project.root, is_with_prefect=False)
    with pytest.raises(SettingsError, match="neither to wait nor to fail"):
        injecting.inject(project.root, "alpha", injecting.Asked(100, 1, None, None, None))
    with pytest.raises(SettingsError, match="alpha@v9"):
        injecting.inject(project.root, "alpha", injecting.Asked(100, 1, "v9", 5, None))
    views.show_fault("alpha", injecting.inject(project.root, "alpha", asked), as_json=False)
    assert "100 % of the requests to alpha@v1 fail with 503" in capsys.readouterr().out
    said_of_status = " ".join(shown(stack.status(project.root), capsys).split())
    assert "on purpose: 100 % of the requests to alpha@v1 fail with 503" in said_of_status
    assert f"planted by {getpass.getuser()}" in said_of_status
    with pytest.raises(OSError, match="503"):
        project.ask()

    def is_answered() -> bool:
        try:
            return project.answers(1) == {"v1"}
        except OSError:
            return False

    until(is_answered)
    injecting.inject(project.root, "alpha", injecting.Asked(100, 60, None, 1, None))
    injecting.clear(project.root, "alpha")
    views.show_fault("alpha", None, as_json=False)
    assert capsys.readouterr().out == "alpha: no faults any more\n"
    assert project.answers() == {"v1"}

    rows = timeline(project.engine, "alpha")
    on_purpose = [(row["action"], row["version"]) for row in rows if "fault" in row]
    last, first = ("fault planted", "every version"), ("fault planted", "alpha@v1")
    assert on_purpose == [("faults cleared", "every version"), last, first]
    planted = next(row for row in reversed(rows) if "fault" in row)
    assert planted["why"] == "100 % of its requests fail with 503"
    assert planted["who"] == getpass.getuser()
    looking.show_history("alpha", rows, as_json=False)
    assert "fault planted" in capsys.readouterr().out


def test_a_damaged_file_of_faults_is_said_and_the_rest_of_the_status_too(
    project: Quick, capsys: pytest.CaptureFixture[str]
) -> None:
    project.promote("v1")
    faults.path(project.home).parent.mkdir(parents=True)
    faults.path(project.home).write_text("{")
    assert "remove the file: no fault is planted then" in shown(stack.status(project.root), capsys)


def test_only_an_administrator_plants_where_tokens_are_asked_for(project: Quick) -> None:
    project.promote("v1")
    stack.up(project.root, is_with_prefect=False)
    path = project.root / "params.yaml"
    content = yaml.safe_load(path.read_text())
    content["identity"] = {"mode": "jwt"}
    path.write_text(yaml.safe_dump(content))
    for name, scope, days in (
        ("ops", "admin", 1),
        ("shop", "predict:alpha", 1),
        ("old", "admin", -1),
    ):
        expires = time.time() + days * 86_400
        identity.add_client(project.root, Client(name, (scope,), "standard", "", expires))
    asked = injecting.Asked(100, 1, None, 1, None)
    for client, why in (
        (None, "nobody is named"),
        ("nobody", "no such client"),
        ("shop", "may not have the scope 'admin'"),
        ("old", "has expired"),
    ):
        with pytest.raises(IdentityError, match=why):
            injecting.inject(project.root, "alpha", asked, client)
        with pytest.raises(IdentityError, match=why):
            injecting.clear(project.root, "alpha", client)
    assert faults.planted(project.home, time.time()) == {}
    assert planted_ever.history(project.engine, "alpha") == []

    injecting.inject(project.root, "alpha", asked, "ops")
    [row] = planted_ever.history(project.engine, "alpha")
    assert (row.who, row.fault and row.fault["delay_ms"]) == (f"ops ({getpass.getuser()})", 1)
    refused = pytest.raises((sa.exc.IntegrityError, StateError), match="append-only")
    with refused, project.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM faults"))

    content["identity"]["jwks_url"] = "https://login.example.org/keys"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(IdentityError, match="tokens are of a provider"):
        injecting.inject(project.root, "alpha", asked, "ops")


@pytest.fixture
def flights(tmp_path: Path, artifact: Path) -> Iterator[Project]:
    """A project with two versions of a real model, of which the second is live."""
    project = make_project(tmp_path / "p", models=("flights",))
    port, tokens, metrics = free_ports(3)
    path = project.root / "params.yaml"
    content = yaml.safe_load(path.read_text())
    content["gateway"] = {"port": port, "metrics_port": metrics}
    content["identity"] = {"port": tokens}
    path.write_text(yaml.safe_dump(content))
    for number in ("v1", "v2"):
        tag = build(artifact, LABELS, number, project.home)
        project.git("tag", "-a", f"flights@{number}.0.0", "-m", number)
        live(project, number, PROMOTED, {"bento": tag})
    yield project
    down(project.root)


def live(project: Project, number: str, action: str, evidence: dict[str, str]) -> None:
    ledger.promote(
        project.engine,
        Promotion(
            *("flights", f"flights@{number}", "a" * 40, "a person", "a test", evidence),
            *(f"{action}-{number}", action),
        ),
    )


def said(project: Project, *arguments: str) -> dict[str, Any]:
    done = project.evergreen(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def ask(address: str, project: Project, rows: Any, token: str | None) -> tuple[int, Any]:
    context = ssl.create_default_context(cafile=project.home.keys / "tls" / "authority.pem")
    headers = {"content-type": "application/json"}
    headers |= {"authorization": f"Bearer {token}"} if token else {}
    body = json.dumps({"rows": rows}).encode()
    request = urllib.request.Request(f"{address}/flights/predict", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=20, context=context) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@pytest.mark.slow
def test_a_real_model_behind_tokens_and_tls(flights: Project, artifact: Path) -> None:
    schema = Signature.read(artifact).schema
    rows = json.loads(json.dumps(golden_rows(read_golden(artifact, schema).slice(0, 2), schema)))
    up = said(flights, "up")
    assert up["ready"] == ["flights@v1", "flights@v2"]
    assert {"supervisor", "gateway", "token-endpoint"} <= set(up["changed"])
    assert up["is_protected"]

    assert said(flights, "client", "add", "shop", "--scope", "predict:flights")
    token = said(flights, "token", "shop")["access_token"]
    status, answer = ask(up["address"], flights, rows, token)
    assert (status, answer["version"]) == (200, "v2")
    assert len(answer["probabilities"]) == 2
    assert ask(up["address"], flights, rows, None)[0] == 401

    assert said(flights, "up")["changed"] == []
    live(flights, "v1", ROLLED_BACK, {})
    assert reconcile(flights.root).running == {"flights@v1"}
    assert ask(up["address"], flights, rows, token)[1]["version"] == "v1"
    found = said(flights, "status")
    states = {each["program"]: each["state"] for each in found["processes"]}
    running = ("flights-v1-0", "gateway", "keeper", "teller", "token-endpoint")
    assert states == dict.fromkeys(running, "RUNNING")
    assert said(flights, "down") == {"was_up": True}
    assert strays.find(flights.home.fleet) == []


@pytest.mark.slow
def test_without_the_wheel_up_says_so_and_a_server_alone_works(
    flights: Project, artifact: Path, tmp_path: Path
) -> None:
    """A platform without an Envoy: its package cannot be imported."""
    shadow = tmp_path / "shadow"
    shadow.mkdir()
    (shadow / "envoy.py").write_text("raise ImportError('no wheel for this platform')\n")
    environment = {"PYTHONPATH": str(shadow)}
    done = flights.evergreen("up", **environment)
    assert done.returncode == 2, done.stdout
    assert "no wheel for this platform" in done.stderr
    assert "`evergreen serve MODEL` works without a gateway" in " ".join(done.stderr.split())
    assert strays.find(flights.home.fleet) == [], "nothing was started that nobody could reach"

    port, grpc_port = free_ports(2)
    command = evergreen("serve", "flights", "--port", str(port), "--grpc-port", str(grpc_port))
    told = {**flights.environment, **environment}
    log = tmp_path / "server.log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            command, cwd=flights.root, env=told, stdout=out, stderr=out, start_new_session=True
        )
    try:
        until(lambda: _is_ready(port))
    finally:
        _end(server)


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _end(server: subprocess.Popen[bytes]) -> None:
    family = [*psutil.Process(server.pid).children(recursive=True), psutil.Process(server.pid)]
    for each in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    server.wait()


@pytest.mark.parametrize(
    ("text", "wanted"), [("200ms", 200), ("1.5s", 1500), ("60s", 60_000), ("1ms", 1)]
)
def test_a_delay_is_written_with_its_unit(text: str, wanted: int) -> None:
    assert milliseconds(text) == wanted


@pytest.mark.parametrize("text", ["200", "0ms", "61s", "-1s", "1 s", "ms", "1m", "nans"])
def test_what_is_no_delay_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="write 200ms"):
        milliseconds(text)
