"""The same search on a real Dask cluster of processes, with workers that die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psutil
import pytest
from distributed import Client

from pipelines.errors import DataError, ModelError, StateError
from pipelines.ports import free_port
from pipelines.tuning import dask_cluster, study
from pipelines.tuning.dask_engine import DaskWorkers
from pipelines.tuning.engine import Engine
from pipelines.tuning.journal import Journal
from pipelines.tuning.study import Search
from pipelines.tuning.workers import Workers
from tests.tuning.scoring import Plan, prepare, search
from tests.tuning.test_study import Table, _lines, started
from tests.waiting import until

ROOT = Path(__file__).parents[2]


def run(what: Search, folder: Path, address: str | None, **plan: object) -> Table:
    ready = partial(prepare, Plan(folder / "log", **plan))
    return _run(what, folder, DaskWorkers(ready, what.settings.workers, address))


def _run(what: Search, folder: Path, engine: Engine) -> Table:
    folder.mkdir(exist_ok=True)
    try:
        store = Journal(what.key, folder / "journal", ["maximize"])
        return study.table(study.run(what, store, engine, lambda done, total: None))
    finally:
        engine.close()


@contextmanager
def _processes(*commands: list[str]) -> Iterator[list[subprocess.Popen[bytes]]]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    begun = [
        subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.DEVNULL)
        for command in commands
    ]
    try:
        yield begun
    finally:
        # Nannies end their workers when they are asked to end.
        for process in begun:
            process.terminate()
        for process in begun:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def _cluster(address: str) -> tuple[list[str], list[str]]:
    """The commands of a scheduler at this address, and of two workers of it."""
    dask, host = [sys.executable, "-m", "dask"], "127.0.0.1"
    port = address.rpartition(":")[2]
    scheduler = [*dask, "scheduler", "--host", host, "--port", port, "--no-dashboard", "--no-show"]
    worker = [*dask, "worker", address, "--nworkers", "2", "--nthreads", "1", "--no-dashboard"]
    return scheduler, [*worker, "--host", host]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A scheduler and two workers, as `dask scheduler` and `dask worker` start them."""
    found = f"tcp://127.0.0.1:{free_port()}"
    with _processes(*_cluster(found)):
        with Client(found, timeout=60) as client:
            client.wait_for_workers(2, timeout=60)
        yield found


@pytest.fixture(scope="module")
def in_processes(tmp_path_factory: pytest.TempPathFactory) -> Table:
    folder = tmp_path_factory.mktemp("processes")
    return _run(search(workers=2), folder, Workers(partial(prepare, Plan(folder / "log")), 2))


@pytest.mark.slow
def test_the_result_is_that_of_processes(tmp_path: Path, address: str, in_processes: Table) -> None:
    assert run(search(workers=2), tmp_path, address, slow=0.1) == in_processes


@pytest.mark.slow
def test_a_cluster_of_its_own_and_a_dead_worker(tmp_path: Path, in_processes: Table) -> None:
    """A worker kills itself in the last rung of a trial: Dask would not start its actor again."""
    victim = in_processes[6]["x"]
    plan = {"die_at": victim, "die_before_rung": 3, "dead": tmp_path / "dead"}
    assert run(search(workers=2), tmp_path, None, **plan) == in_processes
    assert (tmp_path / "dead").exists()
    assert started(tmp_path)[repr(victim)] == 2
    children = psutil.Process().children(recursive=True)
    assert not [child for child in children if "distributed" in " ".join(child.cmdline())]


@pytest.mark.slow
def test_a_worker_that_dies_every_time(tmp_path: Path, address: str, in_processes: Table) -> None:
    victim = in_processes[3]["x"]
    with pytest.raises(ModelError, match="trial 3 died 3 times") as caught:
        run(search(workers=2), tmp_path, address, die_at=victim)
    assert repr(victim) in caught.value.problem
    assert started(tmp_path)[repr(victim)] == 3
    # What was finished is kept, and the cluster lives on.
    assert run(search(workers=2), tmp_path, address) == in_processes


@pytest.mark.slow
def test_what_the_family_raises_arrives(tmp_path: Path, address: str, in_processes: Table) -> None:
    with pytest.raises(DataError, match="no rows") as caught:
        run(search(workers=2), tmp_path / "ours", address, refuse=True)
    assert (caught.value.where, caught.value.next_step) == ("here", "bring some")
    victim = in_processes[2]["x"]
    with pytest.raises(ModelError, match="failed with RuntimeError: a family that does not conv"):
        run(search(workers=2), tmp_path / "its", address, fail_at=victim)


@pytest.mark.slow
def test_a_scheduler_that_dies_is_named_and_what_was_finished_is_kept(
    tmp_path: Path, in_processes: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed with trials under way; its workers end with it, as Dask's do."""
    monkeypatch.setattr(dask_cluster, "ANSWER_SECONDS", 3)
    log = tmp_path / "log"

    def kill_in_the_middle() -> None:
        until(lambda: _lines(log) >= 6)
        scheduler.kill()

    port = str(free_port())
    found = f"tcp://127.0.0.1:{port}"
    with _processes(*_cluster(found)) as (scheduler, _):
        with Client(found, timeout=60) as client:
            client.wait_for_workers(2, timeout=60)
        killer = threading.Thread(target=kill_in_the_middle)
        killer.start()
        with pytest.raises(StateError, match="scheduler was lost in the middle") as caught:
            run(search(workers=2), tmp_path, found, slow=0.4)
        killer.join()
    assert caught.value.where.startswith(found)
    assert "the search goes on with the next" in caught.value.next_step
    done = set(Journal("k", tmp_path / "journal", ["maximize"]).finished())
    assert 0 < len(done) < 12
    before = started(tmp_path)
    with _processes(*_cluster(found)):
        with Client(found, timeout=60) as client:
            client.wait_for_workers(2, timeout=60)
        assert run(search(workers=2), tmp_path, found) == in_processes
    again = {x for x, count in started(tmp_path).items() if count > before[x] > 0}
    kept = {repr(in_processes[slot]["x"]) for slot in done}
    assert not again & kept


SCRIPT = """\
import sys
from pathlib import Path
from tests.tuning.scoring import search
from tests.tuning.test_dask_engine import run
if __name__ == "__main__":
    run(search(workers=2), Path(sys.argv[1]), None, slow=30.0)
"""


@pytest.mark.slow
def test_a_cluster_of_its_own_ends_with_the_search(tmp_path: Path) -> None:
    """Only the search itself is killed."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )
    children: list[psutil.Process] = []
    try:
        until(lambda: _lines(tmp_path / "log") >= 2)
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) >= 2
        process.kill()
        process.wait()
        _, alive = psutil.wait_procs(children, timeout=60)
        assert alive == []
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for child in children:
            if child.is_running():
                child.kill()


@pytest.mark.slow
def test_a_scheduler_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert dask_cluster.ANSWER_SECONDS <= 10
    monkeypatch.setattr(dask_cluster, "ANSWER_SECONDS", 2)
    address = f"tcp://127.0.0.1:{free_port()}"
    begun = time.monotonic()
    with pytest.raises(StateError, match="no Dask scheduler with workers answers") as caught:
        run(search(), tmp_path, address)
    assert time.monotonic() - begun < 8
    assert caught.value.where.startswith(address)


@pytest.mark.slow
def test_a_scheduler_without_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_cluster, "ANSWER_SECONDS", 2)
    port = str(free_port())
    command = [sys.executable, "-m", "dask", "scheduler", "--host", "127.0.0.1", "--port", port]
    with _processes([*command, "--no-dashboard", "--no-show"]):
        with Client(f"tcp://127.0.0.1:{port}", timeout=60):
            pass
        with pytest.raises(StateError, match="no Dask scheduler with workers answers"):
            run(search(), tmp_path, f"tcp://127.0.0.1:{port}")
