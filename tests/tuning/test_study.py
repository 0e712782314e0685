"""The same search gives the same result: with slow workers, with dead ones, after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from pipelines.errors import DataError, ModelError, StateError
from pipelines.statistics.quality import QUALITIES
from pipelines.tuning import plots, study
from pipelines.tuning.journal import Journal
from pipelines.tuning.study import Search
from pipelines.tuning.workers import Workers
from tests.tuning.scoring import RUNGS, Plan, prepare, search
from tests.waiting import until

Table = list[dict[str, object]]


def run(what: Search, folder: Path, **plan: object) -> Table:
    """Run a search in a folder, as often as you like: the journal and the log stay there."""
    folder.mkdir(exist_ok=True)
    workers = Workers(partial(prepare, Plan(folder / "log", **plan)), what.settings.workers)
    try:
        store = Journal(what.key, folder / "journal", ["maximize"])
        trials = study.run(what, store, workers, lambda done, total: None)
    finally:
        workers.close()
    return study.table(trials)


def started(folder: Path) -> Counter[str]:
    """How often each `x` was begun."""
    return Counter((folder / "log").read_text().split())


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Table:
    """The result of the search that most tests here disturb."""
    return run(search(workers=2), tmp_path_factory.mktemp("undisturbed"))


def test_one_worker_twice(tmp_path: Path) -> None:
    one, two = (run(search(), tmp_path / name) for name in "ab")
    assert one == two
    assert [row["trial"] for row in one] == list(range(12))
    assert {row["state"] for row in one} == {"COMPLETE", "PRUNED"}
    for row in one:
        assert (row["rungs"] == RUNGS) == (row["state"] == "COMPLETE")


def test_two_workers_of_unequal_speed(tmp_path: Path, two_workers: Table) -> None:
    assert run(search(workers=2), tmp_path / "slow", slow=0.12) == two_workers


def test_hyperband_prunes_and_resumes(tmp_path: Path) -> None:
    """It judges by notes that it made on earlier trials: they have to survive in the journal."""
    what = search(workers=2, sampler="random", pruner="hyperband", trials=20)
    rows = run(what, tmp_path / "whole")
    assert {row["state"] for row in rows} == {"COMPLETE", "PRUNED"}
    short = search(workers=2, sampler="random", pruner="hyperband", trials=15)
    assert run(short, tmp_path / "in two parts") == rows[:15]
    assert run(what, tmp_path / "in two parts") == rows


def test_another_seed_is_another_search(tmp_path: Path, two_workers: Table) -> None:
    other = run(search(workers=2, seed=8), tmp_path / "other")
    assert other != two_workers
    assert other[0] == two_workers[0]  # the defaults


def test_nothing_finished_is_done_again(tmp_path: Path, two_workers: Table) -> None:
    run(search(workers=2), tmp_path)
    before = started(tmp_path)
    assert run(search(workers=2), tmp_path) == two_workers
    assert started(tmp_path) == before


def test_more_trials_go_on_with_the_same_search(tmp_path: Path, two_workers: Table) -> None:
    assert run(search(workers=2, trials=5), tmp_path) == two_workers[:5]
    assert run(search(workers=2), tmp_path) == two_workers
    assert set(started(tmp_path).values()) == {1}


def test_fewer_trials_than_were_made_once(tmp_path: Path, two_workers: Table) -> None:
    run(search(workers=2), tmp_path)
    assert run(search(workers=2, trials=4), tmp_path) == two_workers[:4]
    assert set(started(tmp_path).values()) == {1}


def test_a_gap_in_a_longer_search_is_filled(tmp_path: Path, two_workers: Table) -> None:
    """A kill leaves gaps: slot 2 may be missing although slot 3 is there."""
    run(search(workers=2), tmp_path)
    journal = tmp_path / "journal"
    lines = journal.read_text().splitlines(keepends=True)
    kept = [line for line in lines if '"slot":2}' not in line]
    assert len(kept) == len(lines) - 1
    journal.write_text("".join(kept))
    assert run(search(workers=2, trials=3), tmp_path) == two_workers[:3]


@pytest.mark.parametrize("cut", [1, 40])
def test_a_torn_last_line_is_one_trial_lost(tmp_path: Path, two_workers: Table, cut: int) -> None:
    run(search(workers=2), tmp_path)
    journal = tmp_path / "journal"
    with journal.open("r+b") as file:
        file.truncate(journal.stat().st_size - cut)
    assert run(search(workers=2), tmp_path) == two_workers
    assert sorted(started(tmp_path).values())[-2:] == [1, 2]


def test_a_journal_that_is_torn_before_its_study_was_made(
    tmp_path: Path, two_workers: Table
) -> None:
    (tmp_path / "journal").write_bytes(b'{"op_code":0,"wor')
    assert run(search(workers=2), tmp_path) == two_workers


@pytest.mark.parametrize("content", [b"not json\n", b"{}\n", b"[1]\n", b"\x00\n"])
def test_a_damaged_journal_is_named(tmp_path: Path, content: bytes) -> None:
    run(search(trials=2), tmp_path)
    journal = tmp_path / "journal"
    journal.write_bytes(content + journal.read_bytes())
    with pytest.raises(StateError, match="the journal of the search is damaged") as caught:
        run(search(trials=2), tmp_path)
    assert caught.value.where == str(journal)


def test_a_lock_that_a_dead_process_held_is_free(tmp_path: Path) -> None:
    """Optuna's own lock is a file: left behind by a kill, it makes the next one wait 30 s."""
    code = (
        "import os, pathlib, signal, sys\n"
        "from pipelines.tuning.journal import KernelLock\n"
        "KernelLock(pathlib.Path(sys.argv[1])).acquire()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "journal")], check=False)
    assert done.returncode == -signal.SIGKILL
    begun = time.monotonic()
    run(search(trials=2), tmp_path)
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize("rung", [1, 3])
def test_the_trial_of_a_killed_worker_is_repeated(
    tmp_path: Path, two_workers: Table, rung: int
) -> None:
    victim = next(row for row in two_workers[4:] if row["state"] == "COMPLETE")["x"]
    plan = {"die_at": victim, "die_before_rung": rung, "dead": tmp_path / "dead"}
    assert run(search(workers=2), tmp_path, **plan) == two_workers
    assert (tmp_path / "dead").exists()
    assert started(tmp_path)[repr(victim)] == 2
    assert sum(started(tmp_path).values()) == len(two_workers) + 1


def test_a_worker_that_dies_every_time(tmp_path: Path, two_workers: Table) -> None:
    victim = two_workers[3]["x"]
    with pytest.raises(ModelError, match=r"trial 3 died 3 times \(last exit code -9\)") as caught:
        run(search(workers=2), tmp_path, die_at=victim)
    assert repr(victim) in caught.value.problem
    assert started(tmp_path)[repr(victim)] == 3
    # What the others finished is kept.
    assert run(search(workers=2), tmp_path) == two_workers
    assert started(tmp_path)[repr(two_workers[0]["x"])] == 1


def test_a_family_that_raises(
    tmp_path: Path, two_workers: Table, capfd: pytest.CaptureFixture[str]
) -> None:
    victim = two_workers[2]["x"]
    with pytest.raises(ModelError, match="failed with RuntimeError: a family that does not conv"):
        run(search(workers=2), tmp_path, fail_at=victim)
    assert "Traceback" in capfd.readouterr().err
    assert started(tmp_path)[repr(victim)] == 1  # a fault of the code is not tried again


def test_an_error_of_ours_arrives_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no rows") as caught:
        run(search(), tmp_path, refuse=True)
    assert (caught.value.where, caught.value.next_step) == ("here", "bring some")


SCRIPT = """\
import sys
from pathlib import Path
from tests.tuning.scoring import search
from tests.tuning.test_study import run
if __name__ == "__main__":
    run(search(workers=2), Path(sys.argv[1]), slow=0.1)
"""


def test_a_search_that_was_killed_goes_on(tmp_path: Path, two_workers: Table) -> None:
    """SIGKILL to the whole process group, mid-way; then the same search again."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        start_new_session=True,
    )
    try:
        until(lambda: _lines(tmp_path / "log") >= 6)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    begun = started(tmp_path)
    finished = _lines(tmp_path / "journal") - 1  # the first line makes the study
    assert 0 < finished < len(two_workers)
    assert run(search(workers=2), tmp_path) == two_workers
    # Two at most were under way; all the others were done once.
    assert sum(started(tmp_path).values()) == len(two_workers) + sum(begun.values()) - finished


def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    """Only the parent is killed: its workers must not train on."""
    import psutil

    script = tmp_path / "script.py"
    script.write_text(SCRIPT.replace("slow=0.1", "slow=30.0"))
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        start_new_session=True,
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
        process.kill()
        process.wait()
        for child in children:
            if child.is_running():
                child.kill()


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_the_plots_of_a_study(tmp_path: Path) -> None:
    from tests.tuning.test_pruners import finished

    trials = [
        finished(slot, [0.5, 0.6, 0.5 + slot / 100], {"x": slot / 9, "n": 3, "kind": "a"})
        for slot in range(8)
    ]
    trials[5].state = study.TrialState.PRUNED
    auc = QUALITIES["binary"]
    for draw in (partial(plots.history, quality=auc), partial(plots.knobs, seed=1)):
        assert draw(trials) == draw(trials)
        assert draw(trials).startswith("<svg")
    assert "pruned" in plots.history(trials, auc)
    assert "best so far" in plots.history(trials, auc)
    assert ">x<" in plots.knobs(trials, 1)
    assert plots.knobs(trials[:1], 1).startswith("<svg")
