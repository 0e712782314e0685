"""Remotes that do not answer, and one that does: bounded time, work kept, the next run goes on."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from pipelines.ports import free_port
from pipelines.state import ledger, runs
from tests.faults.killing import counted
from tests.orchestration import end_group, prefect_api
from tests.throwaway import Project
from tests.waiting import until

_KEYS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def _point_at(project: Project, endpoint: str) -> None:
    lines = [
        "[core]\n    remote = store",
        "['remote \"store\"']\n    url = s3://bucket/project",
        f"    endpointurl = {endpoint}\n    region = us-east-1",
    ]
    (project.root / ".dvc" / "config.local").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _new_work(project: Project) -> tuple[str, ...]:
    """A retrain that has a little to do: the evaluation again."""
    return ("retrain", "alpha", "--set", "evaluate.bins=7")


@pytest.fixture
def black_hole() -> Iterator[int]:
    """A port that accepts and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(64)
        yield server.getsockname()[1]


def test_a_remote_that_refuses_ends_in_bounded_time_and_loses_nothing(trained: Project) -> None:
    _point_at(trained, f"http://127.0.0.1:{free_port()}")
    started = time.monotonic()
    api = {"PREFECT_API_URL": prefect_api(), **_KEYS}
    done = trained.evergreen(*_new_work(trained), **api)
    assert time.monotonic() - started < 60
    assert done.returncode == 2
    assert "Connection refused" in done.stderr
    assert "next step: check the remote" in done.stderr
    assert "Traceback" not in done.stderr
    assert runs.latest(trained.engine, "alpha")[0].status == runs.FAILED
    assert len(ledger.history(trained.engine, "alpha")) == 1
    # The remote is there again: nothing is computed anew.
    (trained.root / ".dvc" / "config.local").unlink()
    again = trained.evergreen(*_new_work(trained), **api)
    assert again.returncode == 1, again.stderr
    assert "identical to the champion" in again.stdout
    assert counted([again.stderr], "evaluate@alpha") == 0
    assert "evaluate@alpha: Cached" in again.stderr
    assert runs.latest(trained.engine, "alpha")[0].status == runs.REFUSED


def test_a_remote_that_never_answers_ends_in_bounded_time(
    trained: Project, black_hole: int
) -> None:
    _point_at(trained, f"http://127.0.0.1:{black_hole}")
    started = time.monotonic()
    done = trained.evergreen("retrain", "alpha", PREFECT_API_URL=prefect_api(), **_KEYS)
    assert time.monotonic() - started < 60
    assert done.returncode == 2
    assert "push failed: TimeoutError" in done.stderr


def test_without_push_no_remote_is_asked(trained: Project, black_hole: int) -> None:
    _point_at(trained, f"http://127.0.0.1:{black_hole}")
    done = trained.evergreen(
        "retrain", "alpha", "--set", "retrain.push=false", PREFECT_API_URL=prefect_api()
    )
    assert done.returncode == 1, done.stderr
    assert "'push'" not in done.stderr


@pytest.fixture
def store() -> Iterator[str]:
    """An S3-compatible server with one bucket."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, **_KEYS},
    )
    endpoint = f"http://127.0.0.1:{port}"
    try:
        until(lambda: _is_up(endpoint) or process.poll() is not None)
        request = urllib.request.Request(f"{endpoint}/bucket", method="PUT")
        with urllib.request.urlopen(request, timeout=30):
            yield endpoint
    finally:
        end_group(process)


def _is_up(endpoint: str) -> bool:
    try:
        with urllib.request.urlopen(endpoint, timeout=2):
            return True
    except OSError:
        return False


def test_a_version_can_be_pulled_from_s3_into_a_fresh_clone(
    trained: Project, store: str, tmp_path: Path
) -> None:
    _point_at(trained, store)
    api = {"PREFECT_API_URL": prefect_api(), **_KEYS}
    done = trained.evergreen("retrain", "alpha", **api)
    assert done.returncode == 1, done.stderr
    subprocess.run(
        ["git", "clone", "--quiet", "--branch", "alpha@v1.0.0", str(trained.root), "clone"],
        cwd=tmp_path,
        check=True,
        stderr=subprocess.DEVNULL,
    )
    clone = Project(tmp_path / "clone")
    _point_at(clone, store)
    pulled = clone.dvc("pull", "train@alpha", **_KEYS)
    assert pulled.returncode == 0, pulled.stderr
    lock = yaml.safe_load((clone.root / "dvc.lock").read_text(encoding="utf-8"))
    [out] = lock["stages"]["train@alpha"]["outs"]
    assert len(list((clone.root / out["path"]).iterdir())) == out["nfiles"]
