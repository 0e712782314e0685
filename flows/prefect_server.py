"""A Prefect server for a while, so that its start is paid once for several flows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pipelines.errors import StateError
from pipelines.ports import free_port

START_SECONDS = 180


@contextmanager
def running(environment: Mapping[str, str], log: Path) -> Iterator[str]:
    """Start `prefect server start` on a free loopback port; gives its API URL.

    Args:
        environment: with PREFECT_HOME, where its database goes.
        log: receives all that the server prints.

    Raises:
        StateError: it ended, or was not healthy in time.
    """
    port = free_port()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        command = [sys.executable, "-m", "prefect", "server", "start", "--no-ui"]
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}/api"
    try:
        _wait_until_healthy(process, f"{url}/health", log)
        yield url
    finally:
        _end(process)


def _wait_until_healthy(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise StateError(
                f"the Prefect server ended with exit code {process.returncode}",
                where=str(log),
                next_step="read the end of the log",
            )
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 (our own loopback address)
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise StateError(
        f"the Prefect server was not healthy after {START_SECONDS} seconds",
        where=str(log),
        next_step="read the end of the log",
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the server and its children, gently first."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            continue
