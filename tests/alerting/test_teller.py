"""Told by itself, by what needs no Prefect: each once, and what is in the way is said."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from pipelines.alerting import teller
from pipelines.errors import SettingsError
from pipelines.paths import HOME, HomePaths, home
from pipelines.state import runs, store
from tests.alerting.factories import DIGITS, MODEL
from tests.alerting.people import Person
from tests.orchestration import end_group
from tests.waiting import until

URLS = "EVERGREEN_ALERT_URLS"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (HOME, "EVERGREEN_DATABASE_URL", URLS, f"{URLS}_FILE"):
        monkeypatch.delenv(name, raising=False)
    params = {"models": {MODEL: DIGITS}, "alerts": {"look_seconds": 0.2, "timeout_seconds": 5}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    return tmp_path


def _refuse(root: Path) -> None:
    engine = store.connect(home(root).database)
    run, _ = runs.begin(engine, MODEL, "base", {}, "a test")
    runs.finish(engine, run.id, runs.REFUSED, verdict={"reason": "worse by .02"})
    engine.dispose()


@pytest.fixture
def told_by(root: Path) -> Iterator[subprocess.Popen[str]]:
    """The program, started before anything has happened, with an address in a file."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.alerting.teller", str(root)],
        env={f"{URLS}_FILE": str(root / "urls"), "PATH": ""},
        cwd=Path(__file__).parents[2],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    yield process
    end_group(process)


def test_a_look_tells_and_writes_what_prometheus_reads(
    root: Path, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(URLS, person.url)
    _refuse(root)
    assert teller.look(root) == 0.2
    assert teller.look(root) == 0.2
    assert len(person.told) == 1
    text = (home(root).metrics / teller.STATE).read_text()
    assert 'evergreen_alerts_total{result="delivered"} 1.0' in text
    assert json.loads((home(root).metrics / teller.SERVERS).read_text()) == []
    (root / "params.yaml").write_text("models: {}\n")
    with pytest.raises(SettingsError):
        teller.look(root)


def test_the_program_tells_what_happens_later_and_says_what_is_in_the_way(
    root: Path, person: Person, told_by: subprocess.Popen[str]
) -> None:
    places = HomePaths(root / ".evergreen")
    # The file of addresses is not there yet: nobody could be told, and that is said.
    until(lambda: teller.problem(places) is not None, seconds=60)
    assert "urls" in str(teller.problem(places))
    assert told_by.stderr is not None
    assert "urls" in told_by.stderr.readline()
    # Prometheus is the other way, and does not wait for that.
    assert (places.metrics / teller.STATE).exists()
    (root / "urls").write_text(person.url)
    _refuse(root)
    until(lambda: len(person.told) == 1, seconds=60)
    until(lambda: teller.problem(places) is None, seconds=60)
