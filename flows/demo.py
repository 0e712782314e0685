"""`evergreen demo`: the whole loop on real flights, as a user would do it by hand.

Everything happens in a throwaway clone through the command line, so the demo shows nothing that
a user could not type, and touches none of the user's branches, tags or data.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from flows import demo_views, prefect_server
from flows.memory import Peak
from flows.prefect_home import SILENT
from pipelines.errors import EXIT_DONE, EXIT_REFUSED, PackageError, WorkspaceError
from pipelines.packaging.server import free_ports
from pipelines.versioning.git import Repository

MODEL = "flights"
FIRST, LATER, UNSEEN = "2013-03", "2013-05", "2013-06"
# One small tree: what a run looks like whose training was cut short without anybody noticing.
PLANTED = {"train.fixed": "{max_iter: 1, max_leaf_nodes: 3}", "tune.trials": "1"}


@dataclass
class Demo:
    """One run of the demo in its clone, with the seconds that each part took."""

    clone: Path
    console: Console
    seconds: dict[str, float] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        return self.clone / ".evergreen" / "logs" / "demo.log"

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Announce a part and time it."""
        started = time.monotonic()
        if self.console.is_terminal:
            with self.console.status(name):
                yield
        else:
            yield
        self.seconds[name] = round(time.monotonic() - started, 1)
        self.console.print(f"  {self.seconds[name]:6.1f} s  {name}", highlight=False)

    def evergreen(self, *arguments: str, allowed: tuple[int, ...] = (EXIT_DONE,)) -> Any:
        """Run a verb with --json in the clone and read its answer; its log lines go to the log."""
        said = f"evergreen {' '.join(arguments)}"
        return json.loads(self.output([*_command(), *arguments, "--json"], said, allowed))

    def output(
        self, command: list[str], said: str, allowed: tuple[int, ...] = (EXIT_DONE,)
    ) -> bytes:
        """Run a command in the clone and give what it prints; its log lines go to the log.

        Args:
            command: the program and its arguments.
            said: what to call it.
            allowed: exit codes.

        Raises:
            WorkspaceError: it ends with another one.
        """
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            done = subprocess.run(
                command,
                cwd=self.clone,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                check=False,
            )
        if done.returncode not in allowed:
            raise WorkspaceError(
                f"`{said}` ended with exit code {done.returncode}",
                where=str(self.log),
                next_step="its last lines say why",
            )
        return done.stdout


def run(root: Path, keep: Path | None, *, as_json: bool) -> int:
    """The demo; returns the exit code.

    Raises:
        WorkspaceError: `root` is no repository, `keep` is not empty, or a part went otherwise
            than the demo tells.
    """
    console = Console(stderr=as_json, highlight=False)
    clone = clone_of(Repository.at(root), keep)
    demo = Demo(clone, console)
    demo.environment = environment_of(clone)
    console.print(f"in a throwaway clone: {clone}", soft_wrap=True)
    with Peak() as peak, prefect_part(demo):
        first = demo_retrain(demo, f"v1: January to March, through {FIRST}", FIRST)
        later = demo_retrain(demo, f"v2: with April and May, through {LATER}", LATER)
        refused = demo_retrain(demo, "a planted bad challenger", LATER, PLANTED)
        answer = _serve(demo)
        scored = _predict(demo)
        history = demo.evergreen("history", MODEL)
    told = {
        "retrains": [first, later, refused],
        "served": answer,
        "predicted": scored,
        "history": history,
        "seconds": demo.seconds,
        "peak_memory_gib": round(peak.gib, 2),
        "report": later["report"],
        "clone": str(clone),
    }
    if as_json:
        print(json.dumps(told, indent=2))
    else:
        demo_views.show(console, told)
    is_as_told = first["version"] and later["version"] and not refused["version"]
    return EXIT_DONE if is_as_told else EXIT_REFUSED


@contextmanager
def prefect_part(demo: Demo) -> Iterator[None]:
    """A Prefect server for the three retrains."""
    started = time.monotonic()
    log = demo.clone / ".evergreen" / "logs" / "prefect.log"
    with prefect_server.running(demo.environment, log) as url:
        demo.environment["PREFECT_API_URL"] = url
        demo.seconds["start Prefect"] = round(time.monotonic() - started, 1)
        demo.console.print(f"  {demo.seconds['start Prefect']:6.1f} s  start Prefect")
        yield


def demo_retrain(
    demo: Demo, name: str, until: str, planted: dict[str, str] | None = None
) -> dict[str, Any]:
    """One retrain; a verdict of any kind is a result here."""
    overrides = [f"--set={key}={value}" for key, value in (planted or {}).items()]
    with demo.part(name):
        result: dict[str, Any] = demo.evergreen(
            "retrain", MODEL, "--until", until, "--reason", name, *overrides, allowed=(0, 1, 3)
        )
    result["name"], result["until"] = name, until
    result["auc"] = json.loads(
        Repository(demo.clone).git("show", f"{result['commit']}:data/{MODEL}/metrics.json")
    )
    demo.console.print(f"            {result['verdict']['outcome']}: {result['verdict']['reason']}")
    return result


def _serve(demo: Demo) -> dict[str, Any]:
    """Serve the live version, ask it about two flights, and end it."""
    rows = _unseen_rows(demo).iloc[[0, 800]]  # early in the morning and late in the day
    port, grpc_port = free_ports(2)
    with demo.part("serve the live version and ask it"), demo.log.open("ab") as log:
        process = subprocess.Popen(
            [*_command(), "serve", MODEL, f"--port={port}", f"--grpc-port={grpc_port}"],
            cwd=demo.clone,
            env=demo.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            answer = _ask(process, port, json.loads(rows.to_json(orient="records")))
        finally:
            process.terminate()
            process.wait(timeout=30)
    return answer


def _ask(process: subprocess.Popen[bytes], port: int, rows: list[dict[str, Any]]) -> dict[str, Any]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/predict",
        data=json.dumps({"rows": rows}).encode(),
        headers={"Content-Type": "application/json"},
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(request, timeout=5) as response:  # noqa: S310
                answer: dict[str, Any] = json.loads(response.read())
                return answer
        except (ConnectionError, OSError):
            time.sleep(0.3)
    raise PackageError(
        "the server did not answer within 60 seconds",
        where=f"127.0.0.1:{port}",
        next_step="see the demo's log",
    )


def _predict(demo: Demo) -> dict[str, Any]:
    """Score a month that no version has seen, and hold the scores to what then happened."""
    import pandas as pd

    from pipelines.statistics.auc import auc

    file, out = demo.clone / f"{UNSEEN}.parquet", demo.clone / f"{UNSEEN}-scored.parquet"
    with demo.part(f"predict the flights of {UNSEEN}"):
        result: dict[str, Any] = demo.evergreen("predict", MODEL, str(file), "-o", str(out))
    truth, scores = pd.read_parquet(file)["late"], pd.read_parquet(out)["probability"]
    known = truth.notna()
    result["auc"] = auc(truth[known].to_numpy(dtype="int64"), scores[known].to_numpy())
    return result


def _unseen_rows(demo: Demo) -> Any:
    """The flights of the month after; written as a file beside the clone's own."""
    import pandas as pd

    from pipelines.datasets.flights import SOURCE, Flights
    from pipelines.settings import IngestSettings

    window = IngestSettings(dataset=MODEL, source=SOURCE, since=UNSEEN, until=UNSEEN)
    read = Flights().read(window)
    frame = pd.concat([part for _, part in read.partitions], ignore_index=True)
    frame.to_parquet(demo.clone / f"{UNSEEN}.parquet", index=False)
    return frame[list(read.schema.features)]


def clone_of(project: Repository, keep: Path | None) -> Path:
    """A clone of the project in `keep`, or in a temporary folder.

    Raises:
        WorkspaceError: `keep` is not empty.
    """
    if keep is None:
        clone = Path(tempfile.mkdtemp(prefix="evergreen-demo-"))
    else:
        clone = keep.resolve()
        if clone.exists() and any(clone.iterdir()):
            raise WorkspaceError(
                "the folder is not empty",
                where=str(clone),
                next_step="name a new folder with --keep, or none",
            )
    project.git("clone", "--quiet", "--no-tags", str(project.root), str(clone))
    return clone


def environment_of(clone: Path) -> dict[str, str]:
    """The user's environment, but with the clone's own code, state and Prefect."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PREFECT_", "EVERGREEN_", "BENTOML_"))
    }
    return {
        **kept,
        "PYTHONPATH": str(clone),
        "PREFECT_HOME": str(clone / ".evergreen" / "prefect"),
        **SILENT,
    }


def _command() -> list[str]:
    return [sys.executable, "-m", "flows"]
