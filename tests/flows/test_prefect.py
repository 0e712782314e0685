"""What Prefect knows of a run: the states of its tasks, its log, its artifacts."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from pipelines.state import runs
from tests.orchestration import Finished, Run
from tests.throwaway import Project


def _ask(api: str, what: str, **body: Any) -> Any:
    request = urllib.request.Request(
        f"{api}/{what}/filter",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def _flow_run(done: Finished) -> str:
    found = re.search(r"/flow-run/([0-9a-f-]{36})", done.err)
    assert found, done.err
    return found[1]


def _states(api: str, flow_run: str) -> dict[str, tuple[str, str]]:
    rows = _ask(api, "task_runs", flow_runs={"id": {"any_": [flow_run]}})
    return {row["name"]: (row["state"]["name"], row["state"]["type"]) for row in rows}


def _log(api: str, flow_run: str) -> list[str]:
    asked = {"flow_run_id": {"any_": [flow_run]}}
    return [row["message"] for row in _ask(api, "logs", logs=asked, limit=200)]


def test_every_stage_is_a_task_whose_state_says_how_it_got_there(
    first: tuple[Project, Finished], api: str
) -> None:
    states = _states(api, _flow_run(first[1]))
    for stage in ("ingest", "validate", "split", "tune", "train", "evaluate"):
        assert states[f"{stage}@alpha"] == ("Completed", "COMPLETED")
    for step in ("workspace", "source", "gate", "package", "push", "promote", "report"):
        assert states[step] == ("Completed", "COMPLETED")


def test_what_a_stage_prints_is_in_the_runs_log(first: tuple[Project, Finished], api: str) -> None:
    said = _log(api, _flow_run(first[1]))
    assert "2024-01: 1,680 rows" in said
    assert any(line.startswith("AUC 0.") for line in said)


def test_a_run_leaves_metrics_verdict_and_a_link_to_its_report(
    first: tuple[Project, Finished], api: str
) -> None:
    flow_run = _flow_run(first[1])
    rows = _ask(api, "artifacts", artifacts={"flow_run_id": {"any_": [flow_run]}})
    found = {row["key"]: row for row in rows}
    assert found.keys() == {"alpha-metrics", "alpha-gate", "alpha-report"}
    assert {row["metric"] for row in json.loads(found["alpha-metrics"]["data"])} >= {"auc"}
    assert "**PASSED**" in found["alpha-gate"]["data"]
    page = Path(json.loads(first[1].out)["report"])
    assert page.as_uri() in found["alpha-report"]["data"]


def test_cached_and_restored_are_states_of_their_own(trained: Project, run: Run, api: str) -> None:
    # Without the last run's commit nothing is up to date, but DVC has seen all of it.
    with trained.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE runs SET 'commit' = NULL")
    restored = run(trained, "retrain", "alpha", "--json")
    assert restored.code == 1, restored.err
    states = _states(api, _flow_run(restored))
    assert states["train@alpha"] == ("Restored", "COMPLETED")
    cached = run(trained, "retrain", "alpha")
    assert cached.code == 1
    assert _states(api, _flow_run(cached))["train@alpha"] == ("Cached", "COMPLETED")
    assert "identical to the champion" in cached.out
    assert max(map(len, cached.out.splitlines())) <= 200


@pytest.fixture
def broken(trained: Project) -> Project:
    """A project whose validation will not pass."""
    rules = trained.root / "data" / "alpha" / "expectations.yaml"
    rules.write_text(rules.read_text().replace("min_value: 1000", "min_value: 9000"))
    trained.commit("Ask for more rows than there are")
    return trained


def test_a_known_error_is_told_once_calmly_and_stops_what_follows(
    broken: Project, api: str
) -> None:
    done = broken.evergreen("retrain", "alpha", PREFECT_API_URL=api)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "NotReady" not in done.stderr
    assert done.stderr.rstrip().splitlines()[-1].startswith("  next step: ")
    assert "`dvc" not in done.stderr
    states = _states(api, _flow_run(Finished(done.returncode, done.stdout, done.stderr)))
    assert states["ingest@alpha"][0] == "Cached"
    assert states["validate@alpha"][0] == "Failed"
    for stage in ("split", "tune", "train", "evaluate"):
        assert states.get(f"{stage}@alpha", ("", ""))[1] != "COMPLETED"
    assert runs.latest(broken.engine, "alpha")[0].status == runs.FAILED
