"""The verbs of the stack: with servers that are quick to start, and once with real ones."""

from __future__ import annotations

import json
import os
import signal
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from flows import injecting, stack, views_stack
from flows.cli.stack import milliseconds
from pipelines.errors import SettingsError
from pipelines.fleet import strays
from pipelines.fleet.fleet import Fleet
from pipelines.fleet.layout import Layout
from pipelines.fleet.remote import Remote
from pipelines.golden import read as read_golden
from pipelines.golden import rows as golden_rows
from pipelines.packaging import build
from pipelines.packaging.server import free_ports
from pipelines.rollout.state import Phase
from pipelines.signature import Signature
from pipelines.stack.reconcile import reconcile
from pipelines.stack.starting import down
from pipelines.state import ledger
from pipelines.state.ledger import PROMOTED, ROLLED_BACK, Promotion
from tests.fleet.programs import until
from tests.flows.prefect_api import patiently
from tests.packaged import LABELS, artifact
from tests.stack.conftest import project
from tests.stack.known import rollout
from tests.stack.project import Project as Quick
from tests.throwaway import Project, make_project

__all__ = ["artifact", "project"]


def shown(found: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> str:
    views_stack.show_status(found, as_json=False)
    return capsys.readouterr().out


def test_status_before_and_after(project: Quick, capsys: pytest.CaptureFixture[str]) -> None:
    found = stack.status(project.root)
    assert (found["is_up"], found["processes"], found["models"][0]["live"]) == (False, [], None)
    assert "`evergreen up` starts it" in shown(found, capsys)

    project.promote("v1")
    project.register("v2")
    project.roll_out(rollout(Phase.STEPPING, 2))
    started = stack.up(project.root, is_with_prefect=False)
    views_stack.show_up(started, as_json=False)
    said = capsys.readouterr().out
    assert "alpha@v1 75 %, alpha@v2 25 %" in said
    assert f"http://127.0.0.1:{project.port}/alpha/predict" in said
    assert "AUTHENTICATION IS OFF" in said
    views_stack.show_up(started, as_json=True)
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
    views_stack.show_up(started, as_json=False)
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
    views_stack.show_up(started, as_json=False)
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


def test_a_model_that_was_never_live_is_said(
    project: Quick, capsys: pytest.CaptureFixture[str]
) -> None:
    views_stack.show_up(stack.up(project.root, is_with_prefect=False), as_json=False)
    assert "alpha: skipped" in capsys.readouterr().out
    views_stack.show_down(was_up=down(project.root), as_json=False)
    assert capsys.readouterr().out == "ended\n"
    views_stack.show_down(was_up=down(project.root), as_json=True)
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
    views_stack.show_fault("alpha", injecting.inject(project.root, "alpha", asked), as_json=False)
    assert "100 % of the requests to alpha@v1 fail with 503" in capsys.readouterr().out
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
    views_stack.show_fault("alpha", None, as_json=False)
    assert capsys.readouterr().out == "alpha: no faults any more\n"
    assert project.answers() == {"v1"}


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
    assert [each["state"] for each in found["processes"]] == ["RUNNING"] * 4
    assert said(flights, "down") == {"was_up": True}
    assert strays.find(flights.home.fleet) == []


@pytest.mark.parametrize(
    ("text", "wanted"), [("200ms", 200), ("1.5s", 1500), ("60s", 60_000), ("1ms", 1)]
)
def test_a_delay_is_written_with_its_unit(text: str, wanted: int) -> None:
    assert milliseconds(text) == wanted


@pytest.mark.parametrize("text", ["200", "0ms", "61s", "-1s", "1 s", "ms", "1m", "nans"])
def test_what_is_no_delay_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="write 200ms"):
        milliseconds(text)
