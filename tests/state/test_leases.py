from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa

from pipelines.errors import BusyError
from pipelines.state import leases, store
from tests.waiting import until

NAME = "retrain/alpha"
_HOLDER = """
import sys, time
from pathlib import Path
from pipelines.state import leases, store
from pipelines.errors import BusyError
engine = store.connect(Path(sys.argv[1]))
try:
    with leases.hold(engine, "retrain/alpha", "a process", 60):
        print("held", flush=True)
        time.sleep(float(sys.argv[2]))
except BusyError:
    print("busy", flush=True)
"""


def _holder(database: Path, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _HOLDER, str(database), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _row(engine: sa.Engine) -> dict[str, object]:
    with engine.connect() as connection:
        return dict(connection.execute(store.leases.select()).mappings().one())


def _pretend(engine: sa.Engine, **values: object) -> None:
    """Make the lease somebody else's."""
    with engine.begin() as connection:
        connection.execute(store.leases.update().values(**values))


def test_a_held_lease_says_who_holds_it_and_is_free_afterwards(engine: sa.Engine) -> None:
    with leases.hold(engine, NAME, "a retrain of alpha", 60) as lease:
        lease.require()
        assert f"process {os.getpid()}" in (leases.holder(engine, NAME) or "")
        with (
            pytest.raises(BusyError, match="a retrain of alpha") as caught,
            leases.hold(engine, NAME, "another", 60),
        ):
            pytest.fail("two hold one lease")
        assert caught.value.exit_code == 3
        with pytest.raises(BusyError):
            leases.require_free(engine, NAME)
        with leases.hold(engine, "retrain/beta", "another model", 60):
            pass
    leases.require_free(engine, NAME)


def test_of_processes_that_start_at_once_exactly_one_holds_it(
    engine: sa.Engine, database: Path
) -> None:
    processes = [_holder(database, 3) for _ in range(4)]
    answers = sorted(process.communicate(timeout=60)[0].strip() for process in processes)
    assert answers == ["busy", "busy", "busy", "held"]


def test_the_lease_of_a_killed_process_is_taken_over_at_once(
    engine: sa.Engine, database: Path
) -> None:
    process = _holder(database, 60)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    before = _row(engine)["token"]
    process.send_signal(signal.SIGKILL)
    while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    # Not even waited for by its parent: a zombie holds nothing.
    with leases.hold(engine, NAME, "the next", 60) as lease:
        assert lease.token > int(str(before))
    process.communicate()


def test_a_pid_that_another_process_got_since_holds_nothing(engine: sa.Engine) -> None:
    with leases.hold(engine, NAME, "first", 60):
        _pretend(engine, pid=os.getppid(), process_started=1.0, expires=time.time() - 1)
        with leases.hold(engine, NAME, "second", 60):
            assert "second" in (leases.holder(engine, NAME) or "")


def test_a_clock_that_was_set_does_not_free_a_lease_that_is_renewed(engine: sa.Engine) -> None:
    with leases.hold(engine, NAME, "first", 60):
        started = float(str(_row(engine)["process_started"]))
        _pretend(engine, process_started=started - 3600)
        with pytest.raises(BusyError):
            leases.require_free(engine, NAME)


def test_a_lease_of_another_host_is_free_when_it_was_not_renewed(engine: sa.Engine) -> None:
    with leases.hold(engine, NAME, "first", 60):
        _pretend(engine, host="elsewhere", expires=time.time() + 60)
        with pytest.raises(BusyError, match="elsewhere"):
            leases.require_free(engine, NAME)
        _pretend(engine, expires=time.time() - 1)
        leases.require_free(engine, NAME)


def test_it_is_renewed_while_it_is_held(engine: sa.Engine) -> None:
    with leases.hold(engine, NAME, "first", 0.3):
        before = float(str(_row(engine)["expires"]))
        until(lambda: float(str(_row(engine)["expires"])) > before)


def test_whoever_lost_it_is_told_and_does_not_free_the_winners(engine: sa.Engine) -> None:
    with leases.hold(engine, NAME, "first", 0.3) as lease:
        _pretend(engine, token=lease.token + 1, holder="winner")
        assert lease.lost.wait(60)
        with pytest.raises(BusyError, match="lost the lease"):
            lease.require()
    assert _row(engine)["holder"] == "winner"


def test_a_store_that_is_gone_loses_the_lease_and_hides_no_error(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    engine = store.connect(folder / "state.db")
    with (
        pytest.raises(ZeroDivisionError),
        leases.hold(engine, NAME, "first", 0.3) as lease,
    ):
        engine.dispose()
        folder.rename(tmp_path / "gone")
        assert lease.lost.wait(60)
        raise ZeroDivisionError
