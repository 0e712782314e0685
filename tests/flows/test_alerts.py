"""The verbs that tell, as a person types them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from typer.main import get_command
from typer.testing import CliRunner

from flows.cli import app
from pipelines.alerting import messages
from pipelines.errors import AlertError
from pipelines.fleet import ports
from pipelines.fleet.layout import Layout
from pipelines.paths import home
from pipelines.state import runs, store
from tests.alerting.conftest import person as person  # noqa: PLC0414
from tests.alerting.factories import DIGITS, MODEL
from tests.alerting.people import SECRET, Person

RUNNER = CliRunner()
NAME = "EVERGREEN_ALERT_URLS"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("EVERGREEN_HOME", "EVERGREEN_DATABASE_URL", NAME, f"{NAME}_FILE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"models": {MODEL: DIGITS}}))
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    monkeypatch.chdir(tmp_path)
    engine = store.connect(home(tmp_path).database)
    run, _ = runs.begin(engine, MODEL, "base", {}, "a test")
    runs.finish(engine, run.id, runs.REFUSED, verdict={"reason": "worse by .02"})
    engine.dispose()
    return tmp_path


def test_a_test_message_reaches_everybody_or_says_who_not(
    root: Path, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NAME, person.url)
    done = RUNNER.invoke(app, ["alerts", "test"])
    assert (done.exit_code, done.output) == (0, "address 1 (json): took it\n")
    person.status = 403
    done = RUNNER.invoke(app, ["alerts", "test", "--json"])
    assert done.exit_code == 1
    assert json.loads(done.output) == [
        {"address": "address 1 (json)", "problem": "it answered 403"}
    ]
    assert SECRET not in done.output


def test_without_an_address_a_test_is_bad_usage(root: Path) -> None:
    done = RUNNER.invoke(app, ["alerts", "test"])
    assert isinstance(done.exception, AlertError)
    assert done.exception.exit_code == 2
    assert NAME in str(done.exception)


def test_what_is_new_is_sent_once_and_listed(
    root: Path, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = RUNNER.invoke(app, ["alerts", "list"])
    assert "nobody was told anything yet" in done.output
    monkeypatch.setenv(NAME, person.url)
    done = RUNNER.invoke(app, ["alerts", "send"])
    assert done.exit_code == 0
    assert "(sent now)\n  next step: `evergreen report alpha`" in done.output
    done = RUNNER.invoke(app, ["alerts", "send", "--json"])
    [event] = json.loads(done.output)["events"]
    assert (event["kind"], event["is_sent"]) == ("refused", False)
    assert len(person.told) == 1
    done = RUNNER.invoke(app, ["alerts", "list", "--json"])
    [row] = json.loads(done.output)
    assert (row["kind"], row["times_told"], row["failures"]) == ("refused", 1, 0)
    listed = RUNNER.invoke(app, ["alerts", "list"]).output
    assert re.search(r"warning: the gate refused the challenger of \S+; told at 20", listed)


def test_what_nobody_took_is_exit_code_1(
    root: Path, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NAME, person.url)
    person.status = 500
    done = RUNNER.invoke(app, ["alerts", "send"])
    assert done.exit_code == 1
    assert "address 1 (json): it answered 500" in done.output
    listed = RUNNER.invoke(app, ["alerts", "list"]).output
    assert "nobody was told\n  1 attempts failed" in listed
    assert listed.endswith("the last because of address 1 (json): it answered 500\n")


def test_nothing_to_tell_says_so(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVERGREEN_HOME", str(root / "another"))
    assert RUNNER.invoke(app, ["alerts", "send"]).output == "nothing needs a person\n"


def test_metrics_are_printed_or_written_whole(root: Path) -> None:
    printed = RUNNER.invoke(app, ["metrics"])
    assert 'evergreen_retrain_failures_in_row{model="alpha"} 1.0' in printed.output
    places = Layout.of(home(root))
    ports.write(places.ports, {"alpha-v1-0": (20001, 20002)})
    arguments = ["metrics", "-o", "m/state.prom", "--targets", "m/servers.json"]
    done = RUNNER.invoke(app, arguments)
    assert (done.exit_code, done.output) == (0, "")
    written = (root / "m/state.prom").read_text()
    assert 'evergreen_retrain_failures_in_row{model="alpha"} 1.0' in written
    [group] = json.loads((root / "m/servers.json").read_text())
    assert group["targets"] == ["127.0.0.1:20001"]
    # A node exporter of another user reads it.
    assert (root / "m/state.prom").stat().st_mode & 0o777 == 0o644


# Verbs of the local stack, whose file comes with it.
LATER = {"approve", "rollback", "rollout", "up"}


@pytest.mark.parametrize("kind", sorted(messages._NEXT))
def test_a_next_step_can_be_typed(kind: str) -> None:
    known = set(get_command(app).commands) | LATER  # type: ignore[attr-defined]
    for verb in re.findall(r"`evergreen (\w+)", messages._NEXT[kind]):  # type: ignore[index]
        assert verb in known
