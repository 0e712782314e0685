"""One model server as a process: its command line, its start, its end."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from pipelines.errors import PackageError
from pipelines.packaging import homes
from pipelines.packaging.bento import environment
from pipelines.packaging.keys import log_key
from pipelines.packaging.store import bento_path
from pipelines.paths import HomePaths
from pipelines.ports import LOOPBACK, free_ports
from pipelines.serving import places

DRAIN_SECONDS = 10.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Server:
    """A model server that has become ready.

    Attributes:
        host, port: where it listens to HTTP.
        grpc_port: where it listens to gRPC.
        seconds_to_ready: from its start until /readyz said yes.
    """

    host: str
    port: int
    grpc_port: int
    seconds_to_ready: float


@dataclass(frozen=True)
class Site:
    """Where a server listens, and where it writes what it was asked and told.

    Attributes:
        port, grpc_port: of HTTP and of gRPC.
        predictions, feedback: folders.
        host: the interface of both ports.
    """

    port: int
    grpc_port: int
    predictions: Path
    feedback: Path
    host: str = LOOPBACK

    @classmethod
    def of(cls, model: str, home: HomePaths, port: int, grpc_port: int, host: str) -> Site:
        """For a server whose answers count."""
        return cls(port, grpc_port, home.predictions(model), home.feedback(model), host)


def serve_command(tag: str, home: HomePaths, site: Site) -> tuple[list[str], dict[str, str]]:
    """The command line and the whole environment of one model server, to exec or to supervise.

    Ask anew for each start: no two servers may live in one home.

    Raises:
        PackageError: there is no such bento, or it was changed since it was built.
    """
    folder = bento_path(tag, home)
    argv = [sys.executable, "-m", "bentoml", "serve", str(folder)]
    known = {
        places.GRPC: f"{site.host}:{site.grpc_port}",
        places.PREDICTIONS: str(site.predictions),
        places.FEEDBACK: str(site.feedback),
        places.KEY: str(log_key(home)),
    }
    listen = ["--host", site.host, "--port", str(site.port)]
    return [*argv, *listen], environment(homes.fresh(home)) | known


@contextmanager
def running(tag: str, home: HomePaths, start_seconds: float, log: Path) -> Iterator[Server]:
    """Run a model server on a free loopback port, and end all its processes on any way out.

    What it is asked is nobody's traffic: its prediction log goes when it does.

    Args:
        tag: the bento.
        home: where it is stored.
        start_seconds: how long it may take to become ready.
        log: receives all that the server prints.

    Raises:
        PackageError: it ended, or was not ready in time.
    """
    with TemporaryDirectory(prefix="evergreen-") as scratch:
        place = Path(scratch)
        port, grpc_port = free_ports(2)
        site = Site(port, grpc_port, place / "predictions", place / "feedback")
        with running_at(site, tag, home, start_seconds, log) as server:
            yield server


@contextmanager
def running_at(
    site: Site, tag: str, home: HomePaths, start_seconds: float, log: Path
) -> Iterator[Server]:
    """The same at a place that is given, whose logs stay.

    Raises:
        PackageError: it ended, or was not ready in time.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    argv, env = serve_command(tag, home, site)
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            argv,
            env=env,
            cwd=log.parent,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # A process group of its own: Ctrl-C goes to us, and we end it in order.
            start_new_session=True,
        )
        try:
            _wait_until_ready(process, site.port, start_seconds, log)
            yield Server(site.host, site.port, site.grpc_port, time.monotonic() - started)
        finally:
            _end(process)


def _wait_until_ready(
    process: subprocess.Popen[bytes], port: int, seconds: float, log: Path
) -> None:
    deadline = time.monotonic() + seconds
    while not _is_ready(port, deadline - time.monotonic()):
        if process.poll() is not None:
            raise _never_ready(f"ended with exit code {process.returncode}", log)
        if time.monotonic() >= deadline:
            raise _never_ready(f"not ready after {seconds:g} s", log)
        time.sleep(_POLL_SECONDS)


def _is_ready(port: int, seconds: float) -> bool:
    # The socket accepts before the worker answers, so the question itself needs a timeout.
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=max(0.1, min(1.0, seconds)))
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False  # not yet: the caller asks again until its deadline
    finally:
        connection.close()


def _never_ready(problem: str, log: Path) -> PackageError:
    return PackageError(
        f"the model server {problem}",
        where=str(log),
        next_step="read the end of this log; a busy machine may need more package.start_seconds",
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM lets the server drain; whatever is left after `DRAIN_SECONDS` is killed."""
    try:
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(True)]
    except psutil.NoSuchProcess:
        family = []
    deadline = time.monotonic() + DRAIN_SECONDS
    # Again every second: a server that is still starting may lose a signal.
    while family and time.monotonic() < deadline:
        process.terminate()
        _, family = psutil.wait_procs(family, timeout=1.0)
    for straggler in family:
        straggler.kill()
    # The whole group, even if its leader is gone: a worker may have been started meanwhile.
    with suppress(ProcessLookupError):  # nobody of it is left
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
