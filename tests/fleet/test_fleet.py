"""A real Supervisor: programs that start, crash, change, end, and are found again."""

from __future__ import annotations

import os
import signal
import socket
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.errors import FleetError
from pipelines.fleet import ports, strays
from pipelines.fleet.fleet import Fleet
from pipelines.fleet.program import Program
from pipelines.fleet.remote import ProcessState, Remote
from pipelines.ports import LOOPBACK, free_port, free_ports
from tests.fleet.programs import answer, arbiter, pid_of, server
from tests.waiting import until


def supervisor(fleet: Fleet) -> int:
    pid = Remote(fleet.places.socket).pid()
    assert pid is not None
    return pid


def test_programs_are_started_kept_running_and_ended(fleet: Fleet, tmp_path: Path) -> None:
    first, second = free_ports(2)
    assert fleet.processes() == []
    assert fleet.start()
    assert fleet.ensure(server("flights-v3-0", first, tmp_path))
    assert fleet.ensure(server("flights-v3-1", second, tmp_path))
    until(lambda: answer(first) and answer(second))
    assert answer(first) == pid_of(fleet, "flights-v3-0")
    fleet.stop(["flights-v3-0", "flights-v3-1"])
    assert fleet.processes() == []
    assert answer(first) is None
    assert answer(second) is None


def test_asking_twice_changes_nothing(fleet: Fleet, tmp_path: Path) -> None:
    group = server("gateway", free_port(), tmp_path)
    fleet.start()
    fleet.ensure(group)
    before, daemon = pid_of(fleet, "gateway"), supervisor(fleet)
    assert not fleet.start()
    assert not fleet.ensure(group)
    assert (pid_of(fleet, "gateway"), supervisor(fleet)) == (before, daemon)


def test_a_changed_program_is_started_anew_and_others_are_left_alone(
    fleet: Fleet, tmp_path: Path
) -> None:
    first, second, other = free_ports(3)
    program = server("gateway", first, tmp_path)
    fleet.start()
    fleet.ensure(server("token", other, tmp_path))
    fleet.ensure(program)
    until(lambda: answer(first) and answer(other))
    before = answer(other)
    assert fleet.ensure(server("gateway", second, tmp_path))
    until(lambda: answer(second))
    assert answer(first) is None
    assert answer(other) == before


def test_a_server_that_is_killed_comes_again(fleet: Fleet, tmp_path: Path) -> None:
    port = free_port()
    fleet.start()
    fleet.ensure(server("gateway", port, tmp_path))
    until(lambda: answer(port))
    before = answer(port)
    assert before is not None
    os.kill(before, signal.SIGKILL)
    until(lambda: answer(port) not in (None, before))


def test_children_of_a_killed_server_do_not_keep_its_port(fleet: Fleet, tmp_path: Path) -> None:
    port = free_port()
    fleet.start()
    fleet.ensure(arbiter("flights-v3-0", port, tmp_path))
    until(lambda: answer(port))
    parent, child = pid_of(fleet, "flights-v3-0"), answer(port)
    assert parent is not None
    assert child not in (None, parent)
    os.kill(parent, signal.SIGKILL)
    until(lambda: answer(port) not in (None, child))
    assert child not in [each.pid for each in strays.find(fleet.places.folder)]


def test_the_environment_arrives_as_it_was_given(fleet: Fleet, tmp_path: Path) -> None:
    odd = {"ODD": "100% of 'it', \"quoted\"; %(here)s\nand a second line", "EMPTY": ""}
    code = (
        "import os, pathlib, sys, time\n"
        "text = '|'.join([os.environ['ODD'], os.environ['EMPTY'], sys.argv[1]])\n"
        "pathlib.Path('seen').write_text(text)\n"
        "time.sleep(60)"
    )
    program = Program("odd", (sys.executable, "-c", code, "50% ; 'x'"), tmp_path, odd)
    fleet.start()
    fleet.ensure(program)
    until(lambda: (tmp_path / "seen").exists() and (tmp_path / "seen").read_text())
    assert (tmp_path / "seen").read_text() == odd["ODD"] + "||50% ; 'x'"
    assert odd["ODD"] not in fleet.places.configuration.read_text()
    assert fleet.places.program("odd").stat().st_mode & 0o077 == 0
    assert fleet.places.folder.stat().st_mode & 0o077 == 0


def test_orphans_of_a_killed_supervisor_are_told_apart_and_ended(
    fleet: Fleet, tmp_path: Path
) -> None:
    old, new = free_ports(2)
    fleet.start()
    fleet.ensure(arbiter("flights-v3-0", old, tmp_path))
    until(lambda: answer(old))
    os.kill(supervisor(fleet), signal.SIGKILL)
    until(lambda: not fleet.is_up())
    assert fleet.orphans() == ["flights-v3-0"]
    assert fleet.start()
    assert fleet.orphans() == ["flights-v3-0"]
    assert answer(old)
    fleet.ensure(arbiter("flights-v3-0", new, tmp_path))
    until(lambda: answer(new))
    assert answer(old), "an orphan answers until somebody ends it"
    fleet.end_orphans(["flights-v3-0"])
    assert answer(old) is None
    assert answer(new)
    assert fleet.orphans() == []


@pytest.mark.parametrize("is_killed", [False, True], ids=["ended", "killed"])
def test_nothing_is_left_after_the_end(fleet: Fleet, tmp_path: Path, is_killed: bool) -> None:
    first, second = free_ports(2)
    fleet.start()
    fleet.ensure(arbiter("flights-v3-0", first, tmp_path))
    fleet.ensure(server("gateway", second, tmp_path))
    until(lambda: answer(first) and answer(second))
    if is_killed:
        os.kill(supervisor(fleet), signal.SIGKILL)
    fleet.end()
    assert strays.find(fleet.places.folder) == []
    assert not fleet.is_up()
    assert answer(first) is None
    assert answer(second) is None
    fleet.end()


def test_a_program_that_cannot_start_is_named_and_starts_once_it_can(
    fleet: Fleet, tmp_path: Path
) -> None:
    port = free_port()
    with socket.socket() as held:
        held.bind(("127.0.0.1", port))
        held.listen()
        fleet.start()
        fleet.ensure(server("gateway", port, tmp_path))
        until(lambda: fleet.processes()[0].state is ProcessState.BACKOFF)
        assert "Address already in use" in fleet.places.log("gateway").read_text()
    until(lambda: answer(port))


def test_a_program_that_was_stopped_by_hand_is_started_again(fleet: Fleet, tmp_path: Path) -> None:
    port = free_port()
    group = server("gateway", port, tmp_path)
    fleet.start()
    fleet.ensure(group)
    until(lambda: answer(port))
    Remote(fleet.places.socket).stop("gateway")
    until(lambda: fleet.processes()[0].state is ProcessState.STOPPED)
    assert fleet.ensure(group)
    until(lambda: answer(port))


def test_ports_are_kept_until_somebody_else_has_them(fleet: Fleet, tmp_path: Path) -> None:
    first = fleet.pairs(["flights-v3-0", "flights-v3-1"])
    assert len({port for pair in first.values() for port in pair}) == 4
    assert fleet.pairs(["flights-v3-0", "flights-v3-1"]) == first
    with socket.socket() as held:
        held.bind((LOOPBACK, first["flights-v3-0"][1]))
        held.listen()
        later = fleet.pairs(["flights-v3-0", "flights-v3-1"])
    assert later["flights-v3-1"] == first["flights-v3-1"]
    assert not set(later["flights-v3-0"]) & set(first["flights-v3-0"])
    fleet.forget_ports(["flights-v3-0"])
    assert ports.read(fleet.places.ports) == {"flights-v3-1": first["flights-v3-1"]}


def test_a_running_server_keeps_the_ports_that_it_has_itself(fleet: Fleet, tmp_path: Path) -> None:
    pair = fleet.pairs(["flights-v3-0"])["flights-v3-0"]
    fleet.start()
    program = replace(server("flights-v3-0", pair[0], tmp_path))
    fleet.ensure(program)
    until(lambda: fleet.processes()[0].state is ProcessState.RUNNING and answer(pair[0]))
    assert fleet.pairs(["flights-v3-0"])["flights-v3-0"] == pair


def test_a_supervisor_that_hangs_is_an_error_and_not_a_second_one(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.start()
    pid = supervisor(fleet)
    monkeypatch.setattr("pipelines.fleet.remote.TIMEOUT_SECONDS", 0.5)
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(FleetError, match="does not do as it is asked"):
            fleet.start()
    finally:
        os.kill(pid, signal.SIGCONT)
        monkeypatch.undo()
