"""The loop, closed: a real server and worker, a real alarm, and the version that comes of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import pytest

from pipelines.monitoring.triggers import inbox
from pipelines.monitoring.triggers.events import State
from pipelines.predictions.feedback import labels
from pipelines.predictions.read import read
from pipelines.state import ledger, runs
from tests.flows.looped import answered, looped
from tests.flows.prefect_api import PrefectApi, patiently
from tests.throwaway import MONTHS, Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture
def stack(trained: Project) -> Iterator[tuple[Project, PrefectApi]]:
    with looped(trained, {"persistence": [1, 1]}) as everything:
        yield everything


def _says(prefect: PrefectApi, run: str, what: str) -> bool:
    return any(what in line for line in prefect.log(run))


def test_an_alarm_becomes_a_version_by_itself_and_once(
    stack: tuple[Project, PrefectApi],
) -> None:
    project, prefect = stack
    answered(project, datetime.now(UTC) - timedelta(seconds=2), shift=0.8)
    seen = prefect.start("monitor-alpha")
    assert prefect.ended(seen) == "Completed", prefect.log(seen)
    patiently(partial(_says, prefect, seen, "speed"), 60)
    patiently(lambda: bool(prefect.runs("retrain-alpha")), 60)
    [run] = prefect.runs("retrain-alpha")
    assert (run["parameters"]["trigger"], run["parameters"]["attempt"]) == (1, 1)
    assert run["created_by"]["type"] == "AUTOMATION"
    # Told again and again: nobody trains a second time.
    again = [prefect.start("retrain-alpha", model="alpha", trigger=1, attempt=1) for _ in range(2)]
    assert prefect.ended(run["id"]) == "Completed", prefect.log(run["id"])
    for each in again:
        assert prefect.ended(each) == "Completed"
        # A run's log arrives some time after its end.
        patiently(partial(_says, prefect, each, "nothing is trained"), 60)
    [trigger] = inbox.listed(project.engine, "alpha")
    assert (trigger.state, trigger.why) == (State.DONE, "alpha@v2 came of it")
    retrained = runs.latest(project.engine, "alpha")[0]
    assert (retrained.id, len(runs.latest(project.engine, "alpha"))) == (trigger.run, 2)
    assert "columns" in retrained.reason
    live = ledger.live(project.engine, "alpha")
    assert live is not None
    assert live.version == "alpha@v2"
    # Schedules work, too: SQLAlchemy 2.1 has them fail in the server's log only.
    wanted = {"deployments": {"name": {"any_": ["monitor-alpha"]}}}
    assert any(found["auto_scheduled"] for found in prefect.post("flow_runs/filter", wanted))
    if "EVERGREEN_TIMES" in os.environ:
        times = {name: run[name] for name in ("created", "start_time", "end_time")}
        print({**times, "seen": prefect.run(seen)["end_time"]})


def test_a_month_is_replayed_through_the_gateway(stack: tuple[Project, PrefectApi]) -> None:
    project, _ = stack
    added = project.evergreen(
        "client", "add", "replay", "--scope", "predict:alpha", "--scope", "feedback"
    )
    assert added.returncode == 0, added.stderr
    months = ("--from", MONTHS[2], "--to", MONTHS[2])
    # As fast as it goes; its tier takes a hundred requests a second.
    pace = ("--speed", "10000000", "--rate", "80", "--rows", "30", "--client", "replay")
    done = project.evergreen("replay", "alpha", *months, *pace, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["asked"], found["told"], found["refused"]) == (56, 56, 0)
    # What was asked last may not be on disk yet, nor what was told.
    patiently(lambda: len(read(project.home.predictions("alpha"))) == 56 * 30, 30)
    answers = read(project.home.predictions("alpha"))
    assert set(answers.column("version").to_pylist()) == {"alpha@v1"}
    known = labels(project.home.feedback("alpha"))
    both = known.join(answers, ["request_id", "row"], join_type="inner", right_suffix="_asked")
    assert len(both) == 56 * 30
    probability = np.array(both.column("output_probability").to_pylist())
    truth = np.array(both.column("label").to_pylist()) == "1"
    assert probability[truth].mean() > probability[~truth].mean() + 0.2
