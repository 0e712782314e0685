"""The load as a subprocess: Locust's gevent patches whatever it is imported into."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pipelines
from pipelines.errors import StressError
from pipelines.orphans import PARENT
from pipelines.progress import OnProgress
from pipelines.stress import records
from pipelines.stress.plan import Plan
from pipelines.stress.records import Records

RUN_FOLDER = "EVERGREEN_STRESS_RUN"
PLAN_FILE = "plan.json"
RECORDS_FILE = "records.bin"
NOTES_FILE = "notes.json"
LOG_FILE = "locust.log"
# Beyond the plan itself: the start of the generator, and the last answers.
SPARE_SECONDS = 60.0
_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Generated:
    """What a run left.

    Attributes:
        records: one of each request, see `pipelines.stress.records.RECORD`.
        cpu_share: of one core, that the generator itself used; near 1 it is what was measured.
        problems: what went wrong, in words, and how often.
    """

    records: Records
    cpu_share: float
    problems: dict[str, int]


def generate(plan: Plan, on_progress: OnProgress) -> Generated:
    """Send a plan, and wait for its end.

    Args:
        plan: what is sent, and where to.
        on_progress: told how many requests have ended, and how many there are.

    Raises:
        StressError: the generator did not start, did not end, or sent something else than the plan.
    """
    with tempfile.TemporaryDirectory(prefix="evergreen-stress-") as scratch:
        folder = Path(scratch)
        plan.write(folder / PLAN_FILE)
        _run(plan, folder, on_progress)
        return _collect(plan, folder)


def _run(plan: Plan, folder: Path, on_progress: OnProgress) -> None:
    seconds = plan.warm_up_seconds + plan.seconds
    deadline = time.monotonic() + seconds + 2 * plan.timeout_seconds + SPARE_SECONDS
    with (folder / LOG_FILE).open("wb") as log:
        process = subprocess.Popen(
            _command(plan),
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Ctrl-C goes to us; we end it, and whatever server was started for it.
            start_new_session=True,
        )
        try:
            while process.poll() is None:
                if time.monotonic() > deadline:
                    raise _fault("has not ended in time", folder)
                on_progress(records.count(folder / RECORDS_FILE), plan.arrivals)
                time.sleep(_POLL_SECONDS)
        finally:
            process.kill()
            process.wait()
    if process.returncode != 0:
        raise _fault(f"ended with exit code {process.returncode}", folder)
    on_progress(plan.arrivals, plan.arrivals)


def _collect(plan: Plan, folder: Path) -> Generated:
    """What the run in `folder` left; less than the plan is a fault, never a smaller run."""
    try:
        notes = json.loads((folder / NOTES_FILE).read_text(encoding="utf-8"))
        found = records.read(folder / RECORDS_FILE)
        generated = Generated(found, notes["cpu_share"], notes["problems"])
    except (OSError, ValueError, KeyError) as error:
        raise _fault(f"left no records: {error!r}", folder) from error
    if len(found) != plan.arrivals:
        raise _fault(f"sent {len(found):,} of {plan.arrivals:,} requests", folder)
    return generated


def _command(plan: Plan) -> list[str]:
    if plan.door == "grpc":
        return [sys.executable, "-m", "pipelines.stress.grpc_load"]
    users = str(plan.users)
    return [
        *(sys.executable, "-m", "locust"),
        *("--locustfile", str(Path(__file__).with_name("locustfile.py"))),
        *("--headless", "--only-summary", "--users", users, "--spawn-rate", users),
        # Failed requests are what we came to count; only a fault of Locust is one.
        *("--exit-code-on-error", "0"),
    ]


def _environment(folder: Path) -> dict[str, str]:
    root = Path(pipelines.__file__).parent.parent
    # Locust reads options from LOCUST_*, which are somebody else's.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    path = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH", "")]))
    # Killed, we could not end it, and it would go on with its load.
    return {**kept, "PYTHONPATH": path, RUN_FOLDER: str(folder), PARENT: str(os.getpid())}


def _fault(problem: str, folder: Path) -> StressError:
    log = folder / LOG_FILE
    tail = log.read_bytes()[-2000:].decode(errors="replace") if log.exists() else ""
    return StressError(
        f"the load generator {problem}: {tail.strip() or 'it printed nothing'}",
        where="locust",
        next_step="mend what its last lines name, and run the same again",
    )
