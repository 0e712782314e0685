"""`python -m pipelines.stages`: exit codes, and ends in good order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from pipelines import orphans
from pipelines.errors import EXIT_BAD_INPUT, EXIT_DONE, EXIT_UNKNOWN
from pipelines.files import write_parquet
from pipelines.registry import STAGES
from pipelines.stages.__main__ import main
from tests.small import MODEL, clean, project, table

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Done:
    """How a stage ended."""

    returncode: int
    stdout: str
    stderr: str


Stage = Callable[..., Done]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Stage:
    """Run a stage in a folder, in this process."""
    monkeypatch.delenv(orphans.PARENT, raising=False)

    def run(folder: Path, *arguments: str) -> Done:
        monkeypatch.chdir(folder)
        code = main(list(arguments))
        return Done(code, *capsys.readouterr())

    return run


@pytest.mark.parametrize(("name", "code"), [("split", EXIT_DONE), ("splt", EXIT_BAD_INPUT)])
def test_the_command_that_the_graph_runs(tmp_path: Path, name: str, code: int) -> None:
    project(tmp_path)
    clean(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.stages", name, MODEL],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr


@pytest.mark.parametrize("arguments", [(), ("split",), ("splt", MODEL), ("split", MODEL, "more")])
def test_what_is_no_stage_is_told_and_the_stages_are_listed(
    tmp_path: Path, stage: Stage, arguments: tuple[str, ...]
) -> None:
    done = stage(tmp_path, *arguments)
    assert done.returncode == EXIT_BAD_INPUT
    assert ", ".join(STAGES) in done.stderr
    assert "next step" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_model_is_told(tmp_path: Path, stage: Stage) -> None:
    project(tmp_path)
    done = stage(tmp_path, "split", "shpo")
    assert done.returncode == EXIT_BAD_INPUT
    assert f"unknown model 'shpo'; allowed: {MODEL}" in done.stderr


def test_a_stage_that_works(tmp_path: Path, stage: Stage) -> None:
    project(tmp_path)
    paths = clean(tmp_path)
    done = stage(tmp_path, "split", MODEL)
    assert done.returncode == EXIT_DONE, done.stderr
    assert "holdout:" in done.stdout
    assert (paths.splits / "holdout.parquet").exists()


def test_a_missing_file_is_named(tmp_path: Path, stage: Stage) -> None:
    project(tmp_path)
    done = stage(tmp_path, "split", MODEL)
    assert done.returncode == EXIT_BAD_INPUT
    assert "clean/schema.json" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_fault_that_nobody_foresaw_is_not_a_verdict(tmp_path: Path, stage: Stage) -> None:
    """Python's own exit code 1 would read as "the gate said no"."""
    project(tmp_path)
    paths = clean(tmp_path)
    (paths.clean / "all.parquet").unlink()
    write_parquet(table().drop(columns="left"), paths.clean / "all.parquet")
    done = stage(tmp_path, "split", MODEL)
    assert done.returncode == EXIT_UNKNOWN
    assert "Traceback" in done.stderr


@pytest.fixture
def tiny_disk(tmp_path: Path):  # type: ignore[no-untyped-def]
    """A file system of 200 KiB; its root can only be made by the superuser."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"cannot mount a small file system here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_told_and_leaves_nothing_half_written(
    tiny_disk: Path, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(tiny_disk, table(10))
    paths = clean(tiny_disk, table(3000))
    filler = tiny_disk / "filler"
    free = os.statvfs(tiny_disk)
    filler.write_bytes(b"x" * (free.f_bavail * free.f_frsize - 30_000))
    done = stage(tiny_disk, "split", MODEL)
    assert done.returncode == EXIT_BAD_INPUT, done.stderr
    assert "No space left on device" in done.stderr
    assert "free some disk space" in done.stderr
    assert not list(paths.splits.glob(".*")), "a temporary file was left"
    filler.unlink()
    assert stage(tiny_disk, "split", MODEL).returncode == EXIT_DONE
    monkeypatch.chdir(ROOT)  # nobody may stand in a file system that is taken away


SLEEPER = """\
import sys, time
from pipelines.orphans import end_with_parent
end_with_parent()
print("ready", flush=True)
time.sleep(60)
"""


def _sleeper(parent: int | str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SLEEPER],
        env={**os.environ, "PYTHONPATH": str(ROOT), orphans.PARENT: str(parent)},
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("is_reaped", [True, False])
def test_a_stage_ends_with_the_process_that_started_it(is_reaped: bool) -> None:
    parent = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    child = _sleeper(parent.pid)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(2 * orphans.LOOK_EVERY_SECONDS)
        assert child.poll() is None, "it ended although its parent lives"
        parent.send_signal(signal.SIGKILL)
        if is_reaped:
            parent.wait()
        assert child.wait(timeout=60) == EXIT_UNKNOWN
    finally:
        for process in (child, parent):
            process.kill()
            process.wait()


def test_a_parent_that_is_gone_already() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert not psutil.pid_exists(gone.pid)
    child = _sleeper(gone.pid)
    try:
        assert child.wait(timeout=60) == EXIT_UNKNOWN
    finally:
        child.kill()
        child.wait()


def test_without_a_parent_to_watch_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    monkeypatch.delenv(orphans.PARENT, raising=False)
    before = threading.active_count()
    orphans.end_with_parent()
    assert threading.active_count() == before
