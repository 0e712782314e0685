"""What is down at night, really killed: nothing is lost, and what was due is done once."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta
from functools import partial

import psutil
import pytest

from flows.prefect_programs import SERVER, WORKER
from pipelines.fleet.fleet import Fleet
from pipelines.fleet.layout import Layout
from pipelines.fleet.locks import held
from pipelines.monitoring import records
from pipelines.monitoring.triggers import inbox
from pipelines.monitoring.triggers.events import State
from pipelines.state import leases, ledger, runs
from tests.flows.looped import answered, looped, up
from tests.flows.prefect_api import PrefectApi, patiently
from tests.throwaway import Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
MINUTE = timedelta(minutes=1)


def _pid(fleet: Fleet, program: str) -> int:
    [found] = [each for each in fleet.processes() if each.program == program]
    assert found.pid is not None
    return found.pid


def test_prefect_may_be_down_for_an_hour(trained: Project) -> None:
    with looped(trained, {"persistence": [2, 3]}) as (project, _):
        fleet, began = Fleet(Layout.of(project.home)), datetime.now(UTC)
        os.killpg(os.getpgid(_pid(fleet, SERVER)), signal.SIGKILL)
        with held(fleet.places.lock, 60):
            fleet.stop([SERVER])
        for minutes, shift in ((10, 0.0), (30, 0.8), (50, 0.8)):
            answered(project, began + minutes * MINUTE, shift)
        assert records.latest(project.engine, "alpha", 10) == []

        prefect = up(project)
        later = (began + 60 * MINUTE).isoformat()
        check = prefect.start("monitor-alpha", model="alpha", at=later)
        assert prefect.ended(check) == "Completed", prefect.log(check)
        windows = records.latest(project.engine, "alpha", 10)
        assert [each.verdict.outcome.value for each in windows] == ["FAILED", "PASSED", "PASSED"]
        patiently(lambda: bool(prefect.runs("retrain-alpha")), 120)
        [run] = prefect.runs("retrain-alpha")
        assert prefect.ended(run["id"]) == "Completed", prefect.log(run["id"])
        [trigger] = inbox.listed(project.engine, "alpha")
        assert (trigger.state, trigger.attempt) == (State.DONE, 1)
        assert [run.status for run in runs.latest(project.engine, "alpha")] == [runs.PROMOTED] * 2
        assert len(prefect.runs("retrain-alpha")) == 1


def _asked_to_reconcile(prefect: PrefectApi, run: str) -> bool:
    found = prefect.runs("reconcile")
    return any(
        each["parameters"].get("silent") == f"prefect.flow-run.{run}"
        and each["state_type"] == "COMPLETED"
        for each in found
    )


def test_worker_and_flow_that_are_killed_together_are_noticed(trained: Project) -> None:
    with looped(trained, {}, handover_minutes=0.5) as (project, prefect):
        fleet, lease = Fleet(Layout.of(project.home)), "retrain/alpha"
        run = prefect.start("retrain-alpha", model="alpha", reason="a new month")
        patiently(lambda: leases.holder(project.engine, lease) is not None, 180)
        patiently(partial(prefect.is_told, run, "prefect.flow-run.heartbeat"), 120)
        worker = psutil.Process(_pid(fleet, WORKER))
        for process in (worker, *worker.children(recursive=True)):
            process.kill()
        # Prefect believes in it for ever, but for the automation.
        assert prefect.run(run)["state_type"] == "RUNNING"
        assert leases.holder(project.engine, lease) is None
        patiently(partial(_asked_to_reconcile, prefect, run), 400)
        state = prefect.run(run)["state"]
        assert (state["type"], "heartbeat" in state["message"]) == ("CRASHED", True)
        # What it had begun is handed out again, and comes to its end: the same run, once.
        patiently(lambda: inbox.listed(project.engine, "alpha")[0].state is State.DONE, 400)
        [trigger] = inbox.listed(project.engine, "alpha")
        assert (trigger.attempt, trigger.why) == (2, "alpha@v2 came of it")
        assert len(runs.latest(project.engine, "alpha")) == 2
        live = ledger.live(project.engine, "alpha")
        assert live is not None
        assert live.run == trigger.run
