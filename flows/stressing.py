"""`evergreen stress`: put a version under load, on a server of its own or on one that runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flows.serving import promoted_bento
from flows.status import live_version
from pipelines import golden, settings
from pipelines.errors import EXIT_DONE, EXIT_REFUSED, EXIT_UNKNOWN, SettingsError
from pipelines.packaging.server import running
from pipelines.paths import home
from pipelines.progress import progress
from pipelines.signature import Signature
from pipelines.state import clock
from pipelines.stress import DOORS, Door, Limits, Plan, Target, generate, judge, summarize
from pipelines.stress.report import Outcomes
from pipelines.verdicts import Outcome, Verdict
from pipelines.versioning import versions
from pipelines.versioning.git import Repository
from pipelines.versioning.versions import Version


@dataclass(frozen=True)
class Load:
    """What a person asks for.

    Attributes:
        rate: requests a second.
        seconds: for how long.
        users: connections.
        door: a name of `DOORS`.
        url: of a running server; None starts one.
        allowed_host: the host, other than this machine, that may be put under load.
    """

    rate: float
    seconds: float
    users: int
    door: str = "predict"
    url: str | None = None
    allowed_host: str | None = None


def stress(root: Path, name: str, load: Load, limits: Limits) -> Outcomes:
    """Put a version under load and judge how it stood it.

    Raises:
        EvergreenError: there is no such version, no such door, the server does not answer, may
            not be put under load or serves another version, or the load did not come about.
    """
    door = _door(load.door)
    target = None if load.url is None else Target.parse(load.url)
    if target is not None:
        target.require_leave(load.allowed_host)
    version = live_version(root, name)
    folder = versions.model_folder(Repository.at(root), home(root), version)
    schema = Signature.read(folder).schema
    known = golden.read(folder, schema)
    rows = golden.rows(known, schema)
    answers = golden.answers(known, schema).reshape(len(rows), -1).tolist()
    with _server(root, version, target, load.door) as server:
        bodies = tuple(door.body(schema, version.model, row) for row in rows)
        server.require(door, bodies[0], version.model, f"v{version.number}")
        plan = Plan(
            url=server.url,
            door=load.door,
            path=door.path(version.model),
            version=f"v{version.number}",
            rate=load.rate,
            seconds=load.seconds,
            users=load.users,
            bodies=bodies,
            expected=tuple(map(tuple, answers)),
        )
        at = clock.now()
        with progress("requests", plan.arrivals) as on_progress:
            generated = generate(plan, on_progress)
    summary = summarize(generated.records, plan.seconds)
    verdict = judge(summary, limits, generated.cpu_share)
    return Outcomes(version.name, at, plan, limits, generated, summary, verdict)


def exit_code(verdict: Verdict) -> int:
    """Unknown is neither yes nor no."""
    known = {Outcome.PASSED: EXIT_DONE, Outcome.FAILED: EXIT_REFUSED}
    return known.get(verdict.outcome, EXIT_UNKNOWN)


def report_folder(root: Path, name: str, out: Path | None) -> Path:
    """Where the report of a run goes; asked before the load, which would be in vain otherwise.

    Raises:
        SettingsError: `out` is not a folder.
    """
    if out is None:
        version = live_version(root, name)
        folder = home(root).reports / version.model / f"{version.name}-stress"
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    if not out.is_dir():
        raise SettingsError(f"no such folder: {out}", where="--out", next_step=f"mkdir -p {out}")
    return out


def _door(name: str) -> Door:
    if name not in DOORS:
        raise SettingsError(
            f"unknown door {name!r}", where="--door", next_step=f"use one of {', '.join(DOORS)}"
        )
    return DOORS[name]


@contextmanager
def _server(root: Path, version: Version, target: Target | None, door: str) -> Iterator[Target]:
    """The server at `target`, or one that lives as long as the block."""
    if target is not None:
        yield target
        return
    _, tag = promoted_bento(root, version.name)
    places = home(root)
    log = places.logs / f"stress-{tag.replace(':', '-')}.log"
    seconds = settings.load(root).model(version.model).package.start_seconds
    with running(tag, places, seconds, log) as server:
        port = server.grpc_port if door == "grpc" else server.port
        yield Target("http", server.host, port)
