"""The servers that are compared, each a process for as long as a block."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.clones import ROOT
from benchmarks.stock_service import FOLDER
from pipelines import packaging
from pipelines.packaging.bento import environment
from pipelines.packaging.server import Site, serve_command
from pipelines.paths import HomePaths
from pipelines.ports import free_ports
from pipelines.serving.policy import ServingPolicy
from pipelines.signature import MODEL_FILE

LABELS = packaging.Labels("0" * 40, "1", "2", "3")


@contextmanager
def ours(artifact: Path, home: HomePaths) -> Iterator[tuple[psutil.Process, Site]]:
    policy = ServingPolicy(max_body_megabytes=16)
    tag = packaging.build(artifact, LABELS, "v1", home, policy)
    site = Site.of(tag.partition(":")[0], home, *free_ports(2), "127.0.0.1")
    argv, given = serve_command(tag, home, site)
    with started(argv, given, site.port) as server:
        yield server, site


@contextmanager
def stock(artifact: Path, home: HomePaths) -> Iterator[tuple[psutil.Process, int]]:
    [port] = free_ports(1)
    argv = [sys.executable, "-m", "bentoml", "serve", "benchmarks.stock_service:Stock"]
    argv += ["--host", "127.0.0.1", "--port", str(port)]
    given = environment(home.bentoml) | {FOLDER: str(artifact), "PYTHONPATH": str(ROOT)}
    del given["PYTHONSAFEPATH"]
    with started(argv, given, port) as server:
        yield server, port


@contextmanager
def mlflow(artifact: Path, python: str) -> Iterator[tuple[psutil.Process, int]]:
    [port] = free_ports(1)
    with tempfile.TemporaryDirectory() as folder:
        program = str(ROOT / "benchmarks" / "mlflow_server.py")
        argv = [python, program, str(artifact / MODEL_FILE), folder, str(port)]
        with started(argv, dict(os.environ), port, "/ping") as server:
            yield server, port


@contextmanager
def started(
    argv: list[str], given: dict[str, str], port: int, path: str = "/readyz"
) -> Iterator[psutil.Process]:
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            argv, env=given, cwd=ROOT, stdout=log, stderr=log, start_new_session=True
        )
        try:
            deadline = time.monotonic() + 120
            while not is_ready(port, path):
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    raise RuntimeError(log.read()[-3000:].decode(errors="replace"))
                time.sleep(0.2)
            yield psutil.Process(process.pid)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def is_ready(port: int, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False
