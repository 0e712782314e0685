"""Real processes under a real Supervisor, behind a real Envoy, in line with the state store."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import socket
import sqlite3
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipelines.errors import BusyError
from pipelines.fleet import ports
from pipelines.fleet.fleet import Fleet
from pipelines.fleet.layout import Layout
from pipelines.fleet.locks import held
from pipelines.gateway.table import Fault
from pipelines.rollout.state import Phase
from pipelines.rollout.store import rollouts
from pipelines.stack import applied, faults
from pipelines.stack.reconcile import reconcile, reroute
from pipelines.stack.starting import up
from pipelines.state.ledger import ROLLED_BACK
from tests.stack.known import rollout
from tests.stack.project import Project
from tests.waiting import until

V1, V2, V3 = "alpha@v1", "alpha@v2", "alpha@v3"


def begin(project: Project) -> None:
    """v1 is live and answers; v2 is registered."""
    project.promote("v1")
    project.register("v2")
    assert up(project.root).reconciled.ready == {V1}


def pids(project: Project) -> dict[str, int | None]:
    return {each.program: each.pid for each in Fleet(Layout.of(project.home)).processes()}


def test_the_way_of_a_version_from_mirror_to_live_and_back(project: Project) -> None:
    begin(project)
    assert project.answers() == {"v1"}

    project.roll_out(rollout(Phase.MIRRORING))
    found = reconcile(project.root)
    assert (found.ready, found.mirror["alpha"]) == ({V1, V2}, V2)
    assert project.answers() == {"v1"}

    project.roll_out(rollout(Phase.STEPPING, 3, generation=3))
    assert reroute(project.root).weights == {"alpha": {V1: 50, V2: 50}}
    assert project.answers() == {"v1", "v2"}

    project.roll_out(rollout(Phase.PROMOTED, 3, generation=4))
    project.promote("v2")
    assert reconcile(project.root).weights == {"alpha": {V2: 100}}
    assert project.answers() == {"v2"}

    project.promote("v1", ROLLED_BACK)
    assert reroute(project.root).weights == {"alpha": {V1: 100}}
    assert project.answers() == {"v1"}
    found = reconcile(project.root)
    assert found.running == {V1}, "what was rolled back is ended once nothing is sent to it"
    assert not any(
        name.startswith("alpha-v2") for name in ports.read(project.home.fleet / "ports.json")
    )
    assert project.answers() == {"v1"}


def test_doing_it_twice_changes_nothing(project: Project) -> None:
    begin(project)
    project.roll_out(rollout(Phase.STEPPING, 2))
    first = reconcile(project.root)
    before = pids(project)
    again = reconcile(project.root)
    assert again == first
    assert pids(project) == before
    assert reroute(project.root) == first


def test_a_challenger_that_cannot_start_harms_nobody(project: Project) -> None:
    begin(project)
    champion = pids(project)["alpha-v1-0"]
    project.mark("broken-v2")
    project.roll_out(rollout(Phase.MIRRORING))
    found = reconcile(project.root, wait_seconds=2.0)
    assert (found.ready, found.mirror, found.weights) == (
        {V1},
        {"alpha": None},
        {"alpha": {V1: 100}},
    )
    assert "alpha-v2-0" in found.problems[V2]
    assert "alpha@v2 is broken" in (project.home.logs / "alpha-v2-0.log").read_text()
    assert project.answers() == {"v1"}
    assert pids(project)["alpha-v1-0"] == champion

    project.mark("broken-v2", is_there=False)
    found = reconcile(project.root)
    assert (found.mirror, found.problems) == ({"alpha": V2}, {})


def test_a_version_that_never_comes_is_waited_for_once(project: Project) -> None:
    project.set(start_seconds=120)
    begin(project)
    project.mark("busy-v2")
    project.roll_out(rollout(Phase.MIRRORING))
    assert V2 in reconcile(project.root, wait_seconds=0.1).problems
    described = project.home.fleet / "programs" / "alpha-v2-0.json"
    os.utime(described, (0, time.time() - 121))
    asked = time.monotonic()
    assert V2 in reconcile(project.root).problems
    assert time.monotonic() - asked < 100, "it was waited for a second time"


@pytest.mark.slow
def test_a_challenger_that_crashes_is_started_again_and_keeps_its_share(project: Project) -> None:
    begin(project)
    project.roll_out(rollout(Phase.STEPPING, 3))
    reconcile(project.root)
    pid = pids(project)["alpha-v2-0"]
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert reroute(project.root).weights == {"alpha": {V1: 50, V2: 50}}
    assert len(project.answers()) >= 1, "Envoy has the champion answer meanwhile"
    until(lambda: reconcile(project.root).ready == {V1, V2})
    until(lambda: project.answers() == {"v1", "v2"})


@pytest.mark.slow
def test_replicas_come_and_go_with_the_settings(project: Project) -> None:
    project.set(replicas=2)
    begin(project)
    assert {"alpha-v1-0", "alpha-v1-1"} <= pids(project).keys()
    until(lambda: len({project.ask()["pid"] for _ in range(20)}) == 2)
    first = pids(project)["alpha-v1-0"]
    project.set(replicas=1)
    reconcile(project.root)
    assert "alpha-v1-1" not in pids(project)
    assert pids(project)["alpha-v1-0"] == first, "those that stay go on"
    assert project.answers() == {"v1"}


@pytest.mark.slow
def test_a_port_that_was_taken_meanwhile_is_chosen_anew(project: Project) -> None:
    begin(project)
    book = ports.read(project.home.fleet / "ports.json")["alpha-v1-0"]
    fleet = Fleet(Layout.of(project.home))
    fleet.stop(["alpha-v1-0"])
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", book[0]))
        taken.listen()
        assert reconcile(project.root).ready == {V1}
        assert project.answers() == {"v1"}
    assert ports.read(project.home.fleet / "ports.json")["alpha-v1-0"][0] != book[0]


def test_a_damaged_rollout_gives_the_champion_everything(project: Project) -> None:
    begin(project)
    project.roll_out(rollout(Phase.STEPPING, 3))
    reconcile(project.root)
    with project.engine.begin() as connection:
        connection.execute(sa.update(rollouts).values(state="{}"))
    found = reroute(project.root)
    assert found.weights == {"alpha": {V1: 100}}
    assert "changed by something else" in found.problems["alpha"]
    assert project.answers() == {"v1"}


def test_an_older_state_that_is_put_back_is_routed_as_it_says(project: Project) -> None:
    begin(project)
    project.roll_out(rollout(Phase.STEPPING, 3))
    reconcile(project.root)
    project.engine.dispose()
    kept = project.root / "kept.db"
    with sqlite3.connect(project.home.database) as live, sqlite3.connect(kept) as copy:
        live.backup(copy)
    project.roll_out(rollout(Phase.PROMOTED, 3, generation=4))
    project.promote("v2")
    before = reconcile(project.root)
    assert before.weights == {"alpha": {V2: 100}}

    with sqlite3.connect(kept) as copy, sqlite3.connect(project.home.database) as live:
        copy.backup(live)
    found = reconcile(project.root)
    assert found.weights == {"alpha": {V1: 50, V2: 50}}
    assert found.generation > before.generation, "Envoy's generations never go back"
    assert len(project.answers()) == 2


def test_planted_faults_reach_the_gateway_and_go(project: Project) -> None:
    begin(project)
    fault = Fault(100, expires=time.time() + 60, abort_status=503)
    faults.plant(project.home, "alpha", fault, time.time())
    reroute(project.root)
    with pytest.raises(OSError, match="503"):
        project.ask()
    faults.clear(project.home, "alpha")
    reroute(project.root)
    until(lambda: project.answers() == {"v1"})


def test_while_the_stack_is_down_nothing_is_started(project: Project) -> None:
    project.promote("v1")
    found = reconcile(project.root)
    assert (found.is_up, found.running, found.generation) == (False, frozenset(), 0)
    assert V1 in found.problems
    assert not (project.home.fleet / "supervisor.sock").exists()


def test_somebody_else_who_reconciles_is_waited_for_and_a_reroute_is_not_held_up(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.stack.reconcile.LOCK_SECONDS", 0.1)
    begin(project)
    with held(project.home.fleet / "fleet.lock", 1.0):
        with pytest.raises(BusyError, match=r"fleet\.lock"):
            reconcile(project.root)
        assert reroute(project.root).ready == {V1}


def _reconcile_often(root: Path, times: int) -> None:
    for _ in range(times):
        reconcile(root)


@pytest.mark.slow
def test_many_who_reconcile_at_once_leave_what_the_store_says(project: Project) -> None:
    begin(project)
    project.roll_out(rollout(Phase.STEPPING, 1))
    reconcile(project.root)
    spawn = multiprocessing.get_context("spawn")
    others = [spawn.Process(target=_reconcile_often, args=(project.root, 3)) for _ in range(3)]
    for other in others:
        other.start()
    for generation, stage in enumerate((2, 3, 1, 2), start=3):
        project.roll_out(rollout(Phase.STEPPING, stage, generation=generation))
        reroute(project.root)
    for other in others:
        other.join(60)
    assert [other.exitcode for other in others] == [0, 0, 0]
    assert applied.read(project.home).weights == {"alpha": {V1: 75, V2: 25}}
    told = json.loads((project.home.fleet / "applied.json").read_text())
    assert sorted(told["upstreams"]) == [V1, V2]
