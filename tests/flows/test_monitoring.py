"""`evergreen monitor` and `evergreen triggers` on a version that was really trained."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows import monitoring
from pipelines import frames
from pipelines.errors import BusyError
from pipelines.inference.session import ModelSession
from pipelines.monitoring.triggers.events import State
from pipelines.predictions.log import PredictionLog
from pipelines.predictions.policy import LogPolicy
from pipelines.predictions.record import Answered, AnsweredRequest
from pipelines.versioning import versions, watched
from pipelines.versioning.git import Repository
from tests.orchestration import Run, prefect_api
from tests.throwaway import MONTHS, Project

pytestmark = pytest.mark.slow
HOUR = timedelta(hours=1)


def _answer(project: Project, at: datetime, shift: float) -> None:
    """An hour of traffic of the live version."""
    repository = Repository.at(project.root)
    [version] = versions.registered(repository, "alpha")
    session = ModelSession.open(versions.model_folder(repository, project.home, version))
    schema = session.signature.schema
    folder = watched.evidence_folder(repository, project.home, version)
    rows = pd.read_parquet(folder / "holdout.parquet")
    rows = rows.assign(speed=rows["speed"] + shift)
    tensors = frames.tensors(rows, schema)
    answered = session.predict(tensors)
    log = PredictionLog.open(project.home.predictions("alpha"), schema, LogPolicy(), None)
    at_ns = int(at.timestamp()) * 10**9
    request = AnsweredRequest(f"request-{at:%H}", at_ns, "rest", False, 1000, len(rows))
    outputs = {"probability": answered.scores, "label": answered.labels.astype(np.int64)}
    log.offer(Answered(version.name, [request], tensors, outputs))
    log.close(30)


def test_a_live_version_is_watched_and_its_alarm_is_answered_once(
    trained: Project, run: Run
) -> None:
    trained.set("alpha", "monitor", window_hours=1, minimum_rows=200, labels="none")
    # An alarm waits for data that the live version has not seen.
    trained.set("alpha", "ingest", until=MONTHS[2])
    begin = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + HOUR
    for hour, shift in enumerate([0.0, 0.8, 0.8]):
        _answer(trained, begin + hour * HOUR + HOUR / 2, shift)
    calm = run(trained, "monitor", "alpha", "--json", "--at", _at(begin + 1.6 * HOUR))
    # The rest of the log is from after that: a clock that jumped, as far as anybody knows.
    assert calm.code == 3
    found = run(trained, "monitor", "alpha", "--json", "--at", _at(begin + 3.1 * HOUR))
    assert found.code == 1, found.err
    told = json.loads(found.out)
    verdicts = [window["verdict"]["outcome"] for window in told["windows"]]
    assert verdicts == ["PASSED", "PASSED", "FAILED"]
    assert "feature speed (" in told["windows"][-1]["verdict"]["reason"]
    assert told["windows"][-1]["report"].endswith("alarm.html")
    start = told["start"]
    assert start == {"trigger": 1, "attempt": 1}
    shown = run(trained, "monitor", "alpha", "--at", _at(begin + 3.2 * HOUR))
    assert "beyond their limits" in shown.out
    listed = run(trained, "triggers", "alpha", "--json")
    [trigger] = json.loads(listed.out)
    assert trigger["state"] == "started"
    assert trigger["times"] == 1
    with temporary_settings({PREFECT_API_URL: prefect_api()}):
        why = monitoring.retrain_for(trained.root, "alpha", **start)
        with pytest.raises(BusyError):
            monitoring.retrain_for(trained.root, "alpha", **start)
    [done] = monitoring.listed(trained.root, "alpha", closes_breaker=True)
    assert (done.state, done.why) == (State.DONE, why)
    assert "trigger" in run(trained, "triggers", "alpha").out


def test_a_person_may_ask(trained: Project, run: Run) -> None:
    assert "nothing has asked" in run(trained, "triggers", "alpha").out
    start = monitoring.ask(trained.root, "alpha", "a new source")
    assert start is not None
    assert monitoring.ask(trained.root, "alpha", "another wish") is None


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}"
