"""A project with versions to release: real models, commits, tags, store and logs, and no servers.

flights@v1   live
flights@v2   registered by a staged retrain
flights@v3   tagged, by a run that was killed before it came to its end
flights@v4   registered on another machine: its bento is not here
"""

from __future__ import annotations

import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from pipelines.frames import tensors
from pipelines.inference.session import ModelSession
from pipelines.observing.sources import Sources
from pipelines.packaging import store as bento_store
from pipelines.paths import HomePaths
from pipelines.predictions.record import Answered
from pipelines.releasing.project import Project
from pipelines.releasing.router import Applied
from pipelines.rollout import store
from pipelines.rollout.instant import Instant
from pipelines.rollout.routing import routing
from pipelines.state import ledger, runs
from pipelines.state import store as state_store
from pipelines.state.ledger import Promotion
from pipelines.verdicts import Outcome, Verdict
from pipelines.versioning import versions
from pipelines.versioning.holdouts import holdout
from tests.model_folder import make_model_folder
from tests.observing.traffic import Traffic, answered

MODEL = "flights"
CHAMPION, CHALLENGER = "flights@v1", "flights@v2"
SEEDS = {1: 7, 2: 8, 3: 8, 4: 8}


def make(root: Path) -> None:
    """Build the project; takes seconds, so that tests copy it."""
    root.mkdir(parents=True)
    for arguments in (
        ("init", "--quiet", "--initial-branch=main"),
        ("config", "user.name", "A Person"),
        ("config", "user.email", "person@example.org"),
    ):
        git(root, *arguments)
    write_params(root)
    (root / ".gitignore").write_text(".evergreen/\n", encoding="utf-8")
    (root / "dvc.yaml").write_text("stages: {}\n", encoding="utf-8")
    home = HomePaths(root / ".evergreen")
    engine = state_store.connect(home.database)
    for number, seed in SEEDS.items():
        folder = root / "data" / MODEL / "model"
        shutil.rmtree(folder, ignore_errors=True)
        make_model_folder(folder, rows=400, seed=seed)
        holdout = root / "data" / MODEL / "splits" / "holdout.parquet"
        holdout.parent.mkdir(parents=True, exist_ok=True)
        pd.read_parquet(folder / "golden.parquet").assign(late=0).to_parquet(holdout)
        (folder / "number").write_text(f"{number}\n", encoding="utf-8")
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message", f"Version {number}")
        git(root, "tag", "--annotate", f"{MODEL}@v{number}.0.0", "--message", "registered")
        if number != 4:
            bento(home, number)
        run, _ = runs.begin(engine, MODEL, "base", {"number": number}, "a test")
        verdict = Verdict("gate", Outcome.PASSED, "fine", {"bento": tag(number)}).to_json()
        status = runs.PROMOTED if number == 1 else runs.REGISTERED
        if number != 3:
            name = f"{MODEL}@v{number}"
            runs.finish(engine, run.id, status, version=name, verdict=verdict)
    promote(engine, root, 1)
    engine.dispose()


def write_params(root: Path, **rollout: object) -> None:
    model = {
        "ingest": {"dataset": "table", "source": "flights.csv", "target": "late"},
        "train": {"family": "hist_gradient_boosting"},
        "rollout": rollout,
    }
    text = yaml.safe_dump({"models": {MODEL: model}})
    (root / "params.yaml").write_text(text, encoding="utf-8")


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(root), *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def tag(number: int) -> str:
    return f"{MODEL}:v{number}-0123456789ab"


def bento(home: HomePaths, number: int) -> None:
    """What the store takes for a bento that is whole; no server is started from it."""
    folder = bento_store.place(tag(number), home)
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "release.json").write_text(f'{{"version": "v{number}"}}', encoding="utf-8")
    bento_store.write_manifest(folder)


def promote(engine, root: Path, number: int, run: str | None = None, **changes) -> None:
    values = {
        "model": MODEL,
        "version": f"{MODEL}@v{number}",
        "commit": git(root, "rev-parse", f"{MODEL}@v{number}.0.0^{{commit}}"),
        "who": "ann",
        "why": "a test",
        "evidence": {"bento": tag(number)},
        "run": run or f"run-{number}",
    }
    ledger.promote(engine, Promotion(**{**values, **changes}))


class Killed(BaseException):
    """The process is gone: nothing behind this point happened."""


@dataclass
class Recorder:
    """A router that moves no request: it derives what is to be routed, as the stack does.

    Attributes:
        routed: what the gateway would do after each call, the newest last.
        ready: the versions that answer.
        dies_at: numbers of calls, from 0, in which the process is killed before anything is done.
    """

    project: Project
    routed: list[dict[str, int]] = field(default_factory=list)
    mirrors: list[str | None] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    ready: set[str] = field(default_factory=lambda: {CHAMPION, CHALLENGER})
    dies_at: set[int] = field(default_factory=set)
    error: Exception | None = None

    def reconcile(self) -> Applied:
        self._apply("reconcile")
        return Applied(frozenset(self.ready), {CHALLENGER: "it ended with code 1"})

    def reroute(self) -> None:
        self._apply("reroute")

    def _apply(self, call: str) -> None:
        self.calls.append(call)
        if len(self.calls) - 1 in self.dies_at:
            raise Killed
        if self.error is not None:
            raise self.error
        weights, mirror = desired(self.project)
        self.routed.append(weights)
        self.mirrors.append(mirror)


def desired(project: Project) -> tuple[dict[str, int], str | None]:
    """What is true by the store: the open rollout's weights, else all to what is live."""
    live = ledger.live(project.engine, MODEL)
    assert live is not None
    try:
        stored = store.current(project.engine, MODEL)
    except Exception:
        stored = None
    if stored is None:
        return {live.version: 100}, None
    told = routing(stored.state)
    return {name: weight for name, weight in told.weights.items() if weight}, told.mirror


@dataclass
class World:
    """A project, its traffic, a router that records, and a clock that tests set.

    It begins with the test, not with the session: some of what is tested reads the clock itself.
    """

    root: Path
    project: Project
    traffic: Traffic
    router: Recorder
    seconds: float = 0.0
    wall_offset: float = 0.0
    boot: str = "b1"
    begun: float = field(default_factory=lambda: float(int(time.time())))
    _known: dict[str, Any] = field(default_factory=dict)
    _tensors: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def at(cls, root: Path) -> World:
        project = Project.at(root)
        traffic = Traffic(project.home.home)
        return cls(root, project, traffic, Recorder(project))

    @property
    def sources(self) -> Sources:
        known = self.traffic.sources
        return Sources(
            known.requests,
            self.project.home.predictions(MODEL),
            self.project.home.feedback(MODEL),
            known.schema,
            known.timeout_seconds,
        )

    def now(self) -> Instant:
        return Instant(
            self.begun + self.seconds + self.wall_offset, 50 + self.seconds, "h", self.boot
        )

    def serve(
        self, seconds: int, per_second: int = 10, bad_share: float = 0.0, skew: float = 0.0
    ) -> None:
        """Let time pass, with requests that are routed as the router was told last.

        Args:
            seconds: how long.
            per_second: requests.
            bad_share: of the challenger's, mirrored or not, that fail.
            skew: added to the probabilities that the challenger answers.
        """
        weights = self.router.routed[-1] if self.router.routed else {CHAMPION: 100}
        mirror = self.router.mirrors[-1] if self.router.mirrors else None
        percent = weights.get(CHALLENGER, 0)
        records = []
        for number in range(seconds * per_second):
            at = self.begun + self.seconds + number / per_second
            arm = CHALLENGER if (number * 61) % 100 < percent else CHAMPION
            fails = (number * 37) % 100 < 100 * bad_share
            is_bad = fails and arm == CHALLENGER
            request = self.traffic.add(at, arm, weights=weights, mirror=mirror, has_failed=is_bad)
            if not is_bad:
                records.append(self._answered(request, number, skew))
            if mirror and not fails:
                records.append(self._answered(request, number, skew, is_shadow=True))
        self._record(records)
        self.seconds += seconds

    def _answered(self, request, number: int, skew: float, *, is_shadow: bool = False) -> Answered:
        version = CHALLENGER if is_shadow else request.arm
        tensors, probabilities = self._models()
        row = number % len(probabilities[version])
        probability = probabilities[version][row]
        if version == CHALLENGER:
            probability = min(probability + skew, 1.0)
        return answered(request, probability, is_shadow=is_shadow)._replace(
            tensors={name: values[row : row + 1] for name, values in tensors.items()},
        )

    def _models(self):
        """What both models make of the holdout, whose rows are the requests here."""
        if not self._known:
            for name in (CHAMPION, CHALLENGER):
                version = versions.find(self.project.repository, MODEL, name)
                folder = versions.model_folder(self.project.repository, self.project.home, version)
                session = ModelSession.open(folder)
                frame = pd.read_parquet(
                    holdout(
                        self.project.repository,
                        self.project.home,
                        versions.find(self.project.repository, MODEL, CHALLENGER),
                    )
                )
                asked = tensors(frame, session.signature.schema)
                self._known[name] = session.predict(asked).scores
            self._tensors = asked
        return self._tensors, self._known

    def _record(self, records) -> None:
        if records:
            self.traffic.folder = self.project.home.home / "traffic"
            self.traffic.answer(records)
            source = self.traffic.folder / "predictions"
            target = self.project.home.predictions(MODEL)
            target.mkdir(parents=True, exist_ok=True)
            for path in source.iterdir():
                path.rename(target / path.name)
