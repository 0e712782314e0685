"""One search in PostgreSQL, on several machines: shared, taken over, and never told a password."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from pipelines.errors import SettingsError, StateError
from pipelines.ports import free_port
from pipelines.tuning import study
from pipelines.tuning.journal import Journal
from pipelines.tuning.postgresql import SharedStore, url_of
from pipelines.tuning.stores import Store
from pipelines.tuning.study import Search
from pipelines.tuning.workers import Workers
from tests.tuning.postgres import PASSWORD, VARIABLE, Postgres, running
from tests.tuning.scoring import Plan, prepare, search
from tests.tuning.test_pruners import finished
from tests.tuning.test_study import Table, started
from tests.waiting import until

pytestmark = pytest.mark.slow
UP = ["maximize"]


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with running() as found:
        yield found


@pytest.fixture
def postgres(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> Postgres:
    monkeypatch.setenv(VARIABLE, PASSWORD)
    server.empty()
    return server


def run(what: Search, store: Store, log: Path, **plan: object) -> Table:
    workers = Workers(partial(prepare, Plan(log, **plan)), what.settings.workers)
    try:
        return study.table(study.run(what, store, workers, lambda done, total: None))
    finally:
        workers.close()
        store.close()


def in_journal(what: Search, folder: Path) -> Table:
    return run(what, Journal(what.key, folder / "journal", UP), folder / "journal.log")


def test_the_result_is_that_of_the_journal(postgres: Postgres, tmp_path: Path) -> None:
    what = search(workers=2, sampler="random", pruner="hyperband", trials=20)
    expected = in_journal(what, tmp_path)
    shared = run(what, SharedStore("k", postgres.address, UP), tmp_path / "log")
    assert shared == expected
    assert {row["state"] for row in shared} == {"COMPLETE", "PRUNED"}
    # And from what is kept there, without a single training.
    log = started(tmp_path)
    assert run(what, SharedStore("k", postgres.address, UP), tmp_path / "log") == expected
    assert started(tmp_path) == log
    assert postgres.rows("SELECT count(*) FROM leases") == [(0,)]


def _machine(address: str, log: Path, result: object) -> None:
    rows = run(search(workers=2, trials=16), SharedStore("k", address, UP), log, slow=0.1)
    result.put(rows)  # type: ignore[attr-defined]


def test_two_machines_share_one_search(postgres: Postgres, tmp_path: Path) -> None:
    """Started at the same moment on an empty database: no trial is made twice."""
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    machines = [
        context.Process(target=_machine, args=(postgres.address, tmp_path / name, results))
        for name in ("one", "two")
    ]
    for machine in machines:
        machine.start()
    found = [results.get(timeout=120) for _ in machines]
    for machine in machines:
        machine.join()
    assert found[0] == found[1] == in_journal(search(workers=2, trials=16), tmp_path)
    one, two = ((tmp_path / name).read_text().split() for name in ("one", "two"))
    assert len(one) + len(two) == 16
    assert set(one).isdisjoint(two)
    assert min(len(one), len(two)) >= 3


SCRIPT = """\
import sys
from pathlib import Path
from tests.tuning.scoring import search
from tests.tuning.test_postgresql import UP, SharedStore, run
if __name__ == "__main__":
    store = SharedStore("k", sys.argv[1], UP)
    run(search(workers=2), store, Path(sys.argv[2]), slow=0.1)
"""


def test_slots_of_a_machine_that_was_killed_are_taken_over(
    postgres: Postgres, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    process = subprocess.Popen(
        [sys.executable, str(script), postgres.address, str(tmp_path / "log")],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        start_new_session=True,
    )
    try:
        until(lambda: (tmp_path / "log").exists() and len(started(tmp_path)) >= 6)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    claimed = postgres.rows("SELECT name FROM leases")
    assert claimed
    # As if it had been another host, where nobody can see that the process is dead.
    postgres.rows("UPDATE leases SET host = 'elsewhere', expires = expires - 28")
    begun = time.time()
    what = search(workers=2)
    found = run(what, SharedStore("k", postgres.address, UP), tmp_path / "log")
    assert found == in_journal(what, tmp_path)
    assert time.time() - begun < 25
    repeated = [x for x, times in started(tmp_path).items() if times > 1]
    assert len(repeated) <= len(claimed)


def test_a_claim_is_one_machines_until_its_grace_is_over(postgres: Postgres) -> None:
    one, two = (SharedStore("k", postgres.address, UP, grace_seconds=1.0) for _ in range(2))
    assert one.claim(3)
    time.sleep(1.5)  # it is renewed
    assert not two.claim(3)
    assert two.claim(4)
    one.add(3, finished(3, [0.5]))
    assert not two.claim(3), "it is done"
    assert list(two.finished()) == [3]
    two.close()
    assert one.claim(4), "given up"
    one.close()


def test_a_machine_that_slept_through_its_claim_adds_nothing(postgres: Postgres) -> None:
    one, two = (SharedStore("k", postgres.address, UP, grace_seconds=1.5) for _ in range(2))
    assert one.claim(0)
    # Suspended for longer than the grace: somebody else took the slot meanwhile.
    postgres.rows("UPDATE leases SET token = token + 1, host = 'elsewhere', expires = 0")
    until(one._claims[0][0].lost.is_set)
    assert two.claim(0)
    one.add(0, finished(0, [0.1]))
    two.add(0, finished(0, [0.7]))
    assert one.finished()[0].value == 0.7
    one.close()
    two.close()


def test_a_server_that_goes_away_is_named(postgres: Postgres) -> None:
    store = SharedStore("k", postgres.address, UP)
    postgres.admin("ALTER DATABASE studies WITH ALLOW_CONNECTIONS false")
    postgres.admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname='studies'")
    with pytest.raises(StateError, match="the storage of the search fails") as caught:
        store.finished()
    assert str(postgres.port) in caught.value.where
    assert PASSWORD not in str(caught.value)


def test_a_wrong_password_is_not_repeated(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "wr0ng-one")
    with pytest.raises(StateError, match="password authentication failed") as caught:
        SharedStore("k", postgres.address, UP)
    assert f"127.0.0.1:{postgres.port}/studies" in caught.value.where
    assert "wr0ng-one" not in str(caught.value)


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, PASSWORD)
    port = free_port()
    with pytest.raises(StateError) as caught:
        SharedStore("k", f"postgresql+psycopg://me:${VARIABLE}@127.0.0.1:{port}/studies", UP)
    assert f"127.0.0.1:{port}" in caught.value.where
    assert PASSWORD not in str(caught.value)


def test_the_password_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, PASSWORD)
    assert url_of(f"postgresql+psycopg://me:${VARIABLE}@db/x").password == PASSWORD
    assert url_of("postgresql+psycopg://me@db/x").password is None
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(SettingsError, match=f"{VARIABLE} is not set"):
        url_of(f"postgresql+psycopg://me:${VARIABLE}@db/x")


def test_no_thread_stays(postgres: Postgres) -> None:
    store = SharedStore("k", postgres.address, UP)
    assert store.claim(1)
    store.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lease-")]
