"""Up and down: from nothing, twice, after kills, and with nothing left."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pipelines.errors import GatewayError
from pipelines.fleet import strays
from pipelines.fleet.fleet import Fleet
from pipelines.fleet.layout import Layout
from pipelines.fleet.remote import Remote
from pipelines.stack.programs import waves
from pipelines.stack.starting import down, up
from tests.stack.project import Project
from tests.waiting import until

V1 = "alpha@v1"


def fleet(project: Project) -> Fleet:
    return Fleet(Layout.of(project.home))


def pids(project: Project) -> dict[str, int | None]:
    return {each.program: each.pid for each in fleet(project).processes()}


def supervisor(project: Project) -> int:
    pid = Remote(fleet(project).places.socket).pid()
    assert pid is not None
    return pid


def test_up_twice_and_down(project: Project) -> None:
    project.promote("v1")
    first = up(project.root)
    assert set(first.changed) == {"supervisor", "gateway", "alpha-v1-0"}
    assert (first.is_protected, first.never_live) == (False, ())
    assert first.address == f"http://127.0.0.1:{project.port}"
    assert project.answers() == {"v1"}
    before = pids(project), supervisor(project)

    again = up(project.root)
    assert again.changed == ()
    assert again.reconciled == first.reconciled
    assert (pids(project), supervisor(project)) == before

    assert down(project.root)
    assert strays.find(project.home.fleet) == []
    assert not down(project.root)


def test_a_model_that_was_never_live_is_skipped_by_name(project: Project) -> None:
    found = up(project.root)
    assert found.never_live == ("alpha",)
    assert found.reconciled.running == frozenset()
    project.promote("v1")
    assert up(project.root).reconciled.ready == {V1}
    assert project.answers() == {"v1"}


def test_who_asks_others_ends_before_those_that_are_asked() -> None:
    names = ["alpha-v1-0", "gateway", "keeper", "prefect-server", "prefect-worker"]
    assert waves(names) == [
        ["gateway", "keeper"],
        ["prefect-worker"],
        ["alpha-v1-0", "prefect-server"],
    ]


@contextmanager
def under_load(project: Project) -> Iterator[list[str]]:
    """One client that asks without end; gives what went wrong."""
    wrong: list[str] = []
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            try:
                project.ask()
            except OSError as error:
                wrong.append(str(error))
                over.wait(0.01)

    client = threading.Thread(target=ask)
    client.start()
    try:
        yield wrong
    finally:
        over.set()
        client.join()


def test_servers_of_a_killed_supervisor_answer_until_others_do(project: Project) -> None:
    project.promote("v1")
    up(project.root)
    before = pids(project)
    os.kill(supervisor(project), signal.SIGKILL)
    until(lambda: not fleet(project).is_up())
    assert project.answers() == {"v1"}, "without Supervisor everything goes on, unwatched"
    assert fleet(project).orphans() == ["alpha-v1-0", "gateway"]

    found = up(project.root)
    assert "supervisor" in found.changed
    assert found.reconciled.ready == {V1}
    assert project.answers() == {"v1"}
    assert fleet(project).orphans() == []
    assert pids(project).keys() == before.keys()
    assert not set(pids(project).values()) & set(before.values())
    assert up(project.root).changed == ()


@pytest.mark.slow
def test_after_down_a_killed_supervisor_has_left_nothing(project: Project) -> None:
    project.promote("v1")
    up(project.root)
    os.kill(supervisor(project), signal.SIGKILL)
    until(lambda: not fleet(project).is_up())
    assert down(project.root)
    assert strays.find(project.home.fleet) == []


@pytest.mark.slow
def test_a_gateway_that_is_killed_is_back_with_its_routes(project: Project) -> None:
    project.promote("v1")
    up(project.root)
    pid = pids(project)["gateway"]
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: pids(project)["gateway"] not in (None, pid))

    def answers() -> bool:
        try:
            return project.answers() == {"v1"}
        except OSError:
            return False

    until(answers)


@pytest.mark.slow
def test_a_broken_model_is_told_and_the_rest_is_up(project: Project) -> None:
    project.promote("v1")
    project.promote("v2")
    project.mark("broken-v2")
    found = up(project.root, wait_seconds=2.0)
    assert found.reconciled.ready == {V1}
    assert "alpha-v2-0" in found.reconciled.problems["alpha@v2"]
    assert project.answers() == {"v1"}, "the version before answers in its place"


def test_a_gateway_port_that_is_taken_is_an_error_with_its_log(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.stack.waiting.PATIENCE_SECONDS", 2.0)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", project.port))
        taken.listen()
        with pytest.raises(GatewayError, match=r"gateway\.log"):
            up(project.root)


def test_down_needs_neither_params_nor_state(project: Project) -> None:
    project.promote("v1")
    up(project.root)
    (project.root / "params.yaml").write_text("{")
    project.home.database.write_text("no database")
    assert down(project.root)
    assert strays.find(project.home.fleet) == []


def test_a_second_up_under_load_loses_no_request(project: Project) -> None:
    project.promote("v1")
    project.promote("v2")
    up(project.root)
    with under_load(project) as wrong:
        up(project.root)
        assert wrong == []
