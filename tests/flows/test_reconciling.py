"""What a killed run holds is freed, and what is due is told again: with a real server."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows import due, events
from flows.answering import answer
from flows.reconciling import end_silent, reconcile
from flows.tidying import cleanup
from flows.watching import watch
from pipelines.monitoring.triggers import inbox
from pipelines.monitoring.triggers.events import asked_by_a_person
from pipelines.rollout.state import Phase
from pipelines.state import leases
from tests.flows.prefect_api import PrefectApi, patiently
from tests.orchestration import prefect_api
from tests.stack.conftest import project
from tests.stack.known import rollout
from tests.stack.project import MODEL, Project
from tests.throwaway import begin

__all__ = ["project"]
pytestmark = pytest.mark.slow


@pytest.fixture
def prefect(project: Project) -> Iterator[PrefectApi]:
    (project.root / ".gitignore").write_text(".evergreen/\n")
    begin(project.root)
    with temporary_settings({PREFECT_API_URL: prefect_api()}):
        yield PrefectApi(prefect_api())


def _told(prefect: PrefectApi, event: str, since: str) -> list[dict[str, object]]:
    asked = {
        "filter": {"event": {"name": [event]}, "occurred": {"since": since}},
        "limit": 50,
    }
    found: list[dict[str, object]] = prefect.post("events/filter", asked)["events"]
    return found


def _running(prefect: PrefectApi) -> str:
    """A run that Prefect believes to go on, and that no process is behind."""
    flow = prefect.post("flows/", {"name": f"silent-{uuid.uuid4()}"})["id"]
    run = prefect.post("flow_runs/", {"flow_id": flow, "state": {"type": "PENDING"}})["id"]
    prefect.post(f"flow_runs/{run}/set_state", {"state": {"type": "RUNNING"}, "force": True})
    return str(run)


def test_a_silent_run_is_ended_once(prefect: PrefectApi) -> None:
    run = _running(prefect)
    assert end_silent(f"prefect.flow-run.{run}")
    state = prefect.run(run)["state"]
    assert (state["type"], "heartbeat" in state["message"]) == ("CRASHED", True)
    assert end_silent(f"prefect.flow-run.{run}") is None
    assert end_silent(f"prefect.flow-run.{uuid.uuid4()}") is None
    assert end_silent("evergreen.model.alpha") is None


def test_what_waits_is_handed_out_once_and_told(project: Project, prefect: PrefectApi) -> None:
    since, now = datetime.now(UTC).isoformat(), datetime.now(UTC)
    inbox.offer(project.engine, asked_by_a_person(MODEL, "a wish", now), now)
    assert reconcile(root=project.root) == {MODEL: ["trigger 1, attempt 1"]}
    # Handed out a moment ago: whoever takes it up gets his time.
    assert reconcile(root=project.root) == {MODEL: []}
    patiently(lambda: bool(_told(prefect, events.DRIFT, since)), 60)
    [told] = _told(prefect, events.DRIFT, since)
    payload = json.loads(json.dumps(told["payload"]))
    assert (payload["trigger"], payload["attempt"], payload["reason"]) == (1, 1, "a wish")


def test_rollouts_are_due_until_they_are_over(project: Project, prefect: PrefectApi) -> None:
    since = datetime.now(UTC).isoformat()
    assert due.rollout(project.root, MODEL) is None
    project.promote("v1")
    assert due.rollout(project.root, MODEL) is None
    project.register("v2")
    # Registered in the store, and no tag: it does not exist in full, so nothing may begin with it.
    assert due.rollout(project.root, MODEL) is None
    head = ["-m", "v2", "HEAD"]
    from pipelines.versioning.git import Repository

    Repository.at(project.root).git("tag", "-a", f"{MODEL}@v2.0.0", *head)
    assert due.rollout(project.root, MODEL) == "alpha@v2 waits for its rollout"
    project.roll_out(rollout(Phase.STEPPING, 2))
    assert due.rollout(project.root, MODEL) == "the rollout of alpha@v2 is stepping"
    patiently(lambda: len(_told(prefect, events.ROLLOUT, since)) == 2, 60)


def test_a_model_that_was_never_live_is_no_failure(project: Project, prefect: PrefectApi) -> None:
    nothing = {"outcome": None, "reason": None, "trigger": None, "rollout": None}
    assert watch(MODEL, project.root) == nothing
    now = datetime.now(UTC)
    inbox.offer(project.engine, asked_by_a_person(MODEL, "a first version", now), now)
    assert watch(MODEL, project.root)["trigger"] == 1


def test_a_schedule_waits_for_what_the_inbox_waits_for(
    project: Project, prefect: PrefectApi
) -> None:
    with leases.hold(project.engine, f"retrain/{MODEL}", "a person", 60):
        said = answer(MODEL, reason="the week is over", root=project.root)
    assert "the inbox keeps it waiting" in said
    [trigger] = inbox.listed(project.engine, MODEL)
    assert (trigger.event.reason, trigger.state.value) == ("the week is over", "waiting")
    assert "a person" in trigger.why


def test_cleaning_leaves_a_model_that_is_at_work(project: Project, prefect: PrefectApi) -> None:
    for number in ("v1", "v2", "v3", "v4"):
        project.promote(number)
    with leases.hold(project.engine, f"retrain/{MODEL}", "a person", 60):
        assert cleanup(root=project.root) == {MODEL: -1}
    assert cleanup(keep_versions=1, root=project.root)[MODEL] > 0
    folder = Path(project.home.bentoml / "bentos" / MODEL)
    assert sorted(each.name[:2] for each in folder.iterdir()) == ["v3", "v4"]
