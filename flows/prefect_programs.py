"""A Prefect server and a worker as programs of the stack."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from flows import deployments
from flows.prefect_home import SILENT
from pipelines.errors import FleetError
from pipelines.files import write_text
from pipelines.fleet.fleet import Fleet
from pipelines.fleet.locks import held
from pipelines.fleet.program import Program
from pipelines.paths import HOME, PROJECT, HomePaths
from pipelines.ports import LOOPBACK
from pipelines.stack.reconcile import LOCK_SECONDS

SERVER, WORKER = "prefect-server", "prefect-worker"
POOL = "evergreen"
START_SECONDS = 180.0
# A flow that runs may end within this time when the stack goes down; what is killed is taken up
# again by the next run.
_WORKER_STOP_SECONDS = 30
_POLL_SECONDS = 0.5
# Where the server keeps its state, if not in a file of SQLite below the home. It holds a password,
# so that params.yaml is no place for it.
_DATABASE = "PREFECT_SERVER_DATABASE_CONNECTION_URL"


def programs(root: Path, home: HomePaths, fleet: Fleet) -> tuple[list[Program], str]:
    """The programs, and the address of the API.

    A server that the environment names already (PREFECT_API_URL) is used; otherwise one is started.
    """
    named = os.environ.get("PREFECT_API_URL")
    if named:
        return [worker(root, home, named)], named
    with held(fleet.places.lock, LOCK_SECONDS):
        port, _ = fleet.pairs([SERVER])[SERVER]
    url = f"http://{LOOPBACK}:{port}/api"
    command = ("server", "start", "--host", LOOPBACK, "--port", str(port))
    argv = (sys.executable, "-m", "flows.prefect_service", *command)
    told = environment(root, home, url)
    if database := os.environ.get(_DATABASE):
        # Said to this program itself: a Supervisor that runs already has another environment.
        told |= {_DATABASE: database}
    server = Program(SERVER, argv, root, told, is_tree_asked=True)
    return [server, worker(root, home, url)], url


def environment(root: Path, home: HomePaths, url: str) -> dict[str, str]:
    """What Prefect is told, so that the user's own profile is neither used nor touched."""
    return {
        HOME: str(home.home),
        PROJECT: str(root),
        "PREFECT_HOME": str(home.prefect),
        "PREFECT_API_URL": url,
        **SILENT,
        # By default a run that an event asks for waits up to ten seconds for its worker.
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        # The automation of deployments/prefect.yaml counts in these; Prefect takes none below.
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
        # Programs of the project, such as dvc, are called by name.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }


def deploy(root: Path, home: HomePaths, url: str) -> None:
    """Wait for the server, and have it know every deployment, unless it was told these already.

    Raises:
        FleetError: the server does not answer in time, or does not take the deployments.
    """
    _wait_until_healthy(url, home)
    # Each command of Prefect's takes seconds, and `up` should be no burden to call.
    content = deployments.of_project(root)
    place = f"{root} {url} {os.environ.get(_DATABASE)}"  # another database knows of none yet
    told = hashlib.sha256(f"{place} {content}".encode()).hexdigest()
    known = home.prefect / "deployed"
    if known.exists() and known.read_text(encoding="ascii") == told:
        return
    file = home.prefect / "deployments.yaml"
    write_text(content, file)
    for arguments in (
        ("work-pool", "create", POOL, "--type", "process", "--overwrite"),
        ("deploy", "--all", "--prefect-file", str(file)),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
            cwd=root,
            env={**os.environ, **environment(root, home, url)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise FleetError(
                f"`prefect {' '.join(arguments)}` fails: {(done.stderr or done.stdout).strip()}",
                where=str(root / deployments.FILE),
                next_step="mend what it says, and run `evergreen up --prefect` again",
            )
    write_text(told, known)


def worker(root: Path, home: HomePaths, url: str) -> Program:
    """What starts the flows of a project that the server at `url` says are due."""
    command = ("worker", "start", "--pool", POOL, "--type", "process")
    return Program(
        WORKER,
        (sys.executable, "-m", "prefect", *command),
        root,
        environment(root, home, url),
        # Told to terminate it would kill its flows at once; interrupted, it lets them end.
        stop_signal="INT",
        stop_seconds=_WORKER_STOP_SECONDS,
    )


def _wait_until_healthy(url: str, home: HomePaths) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{url.rstrip('/')}/health", timeout=2):  # noqa: S310
                return
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > deadline:
                raise FleetError(
                    f"Prefect's server does not answer after {START_SECONDS:g} s: {error}",
                    where=url,
                    next_step=f"read the end of {home.logs / f'{SERVER}.log'}",
                ) from error
        time.sleep(_POLL_SECONDS)
