"""What goes on in a project, each in a process of its own that may be killed at any moment.

Whatever a call has returned from is noted; nothing that was noted may ever be lost.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from prefect.events.worker import EventsWorker
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows import events, monitoring
from flows.answering import answer
from flows.cleaning import Asked, clean
from flows.reconciling import reconcile
from flows.releasing import Desk
from flows.watching import watch
from pipelines import frames, settings
from pipelines.errors import BusyError, RolloutError, StageError
from pipelines.files import write_text
from pipelines.inference.session import ModelSession
from pipelines.monitoring.triggers import inbox
from pipelines.monitoring.triggers.events import PERSON, Event, State
from pipelines.predictions.log import PredictionLog
from pipelines.predictions.policy import LogPolicy
from pipelines.predictions.record import Answered, AnsweredRequest
from pipelines.state import ledger
from pipelines.versioning import versions, watched
from pipelines.versioning.git import Repository
from tests.throwaway import Project, write_rows

MODEL = "alpha"
FAULTY = 5
# Newer triggers than these are looked at: all, in any soak that ends within a day.
MOST = 100_000
_MOST_MONTHS = 36


@dataclass(frozen=True)
class Scene:
    """Where an act takes place, and where it notes what it was told is done."""

    project: Project
    notes: Path
    draw: random.Random

    @property
    def root(self) -> Path:
        return self.project.root

    def note(self, **what: Any) -> None:
        """Append a line; one write, so that it is whole or not there."""
        line = json.dumps(what).encode() + b"\n"
        file = os.open(self.notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(file, line)
        os.close(file)


def tell(scene: Scene) -> None:
    """Alarms: new ones, some told before, some late; then a decision."""
    engine, known = scene.project.engine, [note["event"] for note in noted(scene.notes, "event")]
    live = ledger.live(engine, MODEL)
    for _ in range(scene.draw.randint(1, 12)):
        now = datetime.now(UTC)
        name = str(scene.draw.random())
        if known and scene.draw.random() < 0.6:
            name = scene.draw.choice(known)
        known.append(name)
        late = timedelta(minutes=scene.draw.choice([0, 0, 0, 1, 90]))
        inbox.offer(engine, _event(name, live.version if live else None, now - late), now)
        scene.note(event=name)
    _settle(scene)


def wish(scene: Scene) -> None:
    """A person asks, who does not wait for a model to cool down."""
    now, name = datetime.now(UTC), str(scene.draw.random())
    event = replace(_event(name, None, now), cause=PERSON)
    inbox.offer(scene.project.engine, event, now)
    scene.note(event=name)
    _settle(scene)


def _event(name: str, version: str | None, noticed: datetime) -> Event:
    key = hashlib.sha256(name.encode()).hexdigest()
    return Event(key, MODEL, version, "columns", f"{name} drifted", noticed)


def _settle(scene: Scene) -> None:
    chosen = settings.load(scene.root).model(MODEL).trigger
    start = inbox.settle(scene.project.engine, MODEL, chosen, datetime.now(UTC))
    if start is not None:
        events.tell_start(start)  # an automation has the worker answer it, once a minute


def arrive(scene: Scene) -> None:
    """A month more of data, unless there is plenty."""
    source = scene.root / "sources" / f"{MODEL}.csv"
    text = source.read_text(encoding="utf-8")
    number = len(set(_months(text)))
    if number == _MOST_MONTHS:
        return
    more = source.with_suffix(".new")
    write_rows(more, (f"{2024 + number // 12}-{number % 12 + 1:02}",), seed=number)
    write_text(text + more.read_text(encoding="utf-8").partition("\n")[2], source)


def _months(text: str) -> list[str]:
    return [line[:7] for line in text.splitlines()[1:]]


def retrain(scene: Scene) -> None:
    """A start of the inbox, or one that somebody took up long ago, is answered."""
    found = inbox.listed(scene.project.engine, MODEL, MOST)
    begun = [each for each in found if each.attempt]
    started = [each for each in begun if each.state is State.STARTED]
    chosen = scene.draw.choice(
        started if started and scene.draw.random() < 0.9 else begun or [None]
    )
    # All months that have arrived: what was killed before one came is asked for otherwise after.
    text = (scene.root / "sources" / f"{MODEL}.csv").read_text(encoding="utf-8")
    until = {"ingest.until": max(_months(text))}
    if chosen is None:
        answer(MODEL, reason="the week is over", overrides=until, root=scene.root)
    else:
        answer(MODEL, chosen.id, chosen.attempt, overrides=until, root=scene.root)


def monitor(scene: Scene) -> None:
    """A check, by the flow that Prefect runs."""
    watch(MODEL, scene.root)


def look(scene: Scene) -> None:
    """A check by hand."""
    monitoring.monitor(scene.root, MODEL)


def serve(scene: Scene) -> None:
    """Answers of the live version, to rows that are at times not like those it learned from."""
    repository, home = Repository.at(scene.root), scene.project.home
    live = ledger.live(scene.project.engine, MODEL)
    assert live is not None
    version = versions.find(repository, MODEL, live.version)
    session = ModelSession.open(versions.model_folder(repository, home, version))
    folder = watched.evidence_folder(repository, home, version)
    rows = pd.read_parquet(folder / "holdout.parquet")
    shift = scene.draw.choice([0.0, 0.0, 0.8])
    schema = session.signature.schema
    log = PredictionLog.open(home.predictions(MODEL), schema, LogPolicy("audit"), None)
    for part in np.array_split(np.arange(len(rows)), 8):
        chosen = rows.iloc[part]
        tensors = frames.tensors(chosen.assign(speed=chosen["speed"] + shift), schema)
        said = session.predict(tensors)
        outputs = {"probability": said.scores, "label": said.labels.astype(np.int64)}
        request = f"{scene.draw.random()}"
        at = int(datetime.now(UTC).timestamp() * 1e9)
        asked = AnsweredRequest(request, at, "rest", False, 1000, len(chosen))
        asyncio.run(log.write(Answered(version.name, [asked], tensors, outputs)))
        scene.note(request=request, rows=len(chosen))
    log.close(30)


def mend(scene: Scene) -> None:
    """What follows a crash."""
    reconcile(root=scene.root)


def go_back(scene: Scene) -> None:
    """A person turns away from the live version."""
    try:
        Desk.at(scene.root, MODEL).roll_back(None, "a person has seen something")
    except RolloutError as error:
        assert "no other version was live" in error.problem, error


def make_room(scene: Scene) -> None:
    """A clean-up that leaves as little as it may."""
    clean(scene.root, [MODEL], Asked(keep_versions=1, report_days=0.0), is_done=True)


# How often each happens, beside the others.
ACTS: dict[str, tuple[Callable[[Scene], None], int]] = {
    "tell": (tell, 5),
    "wish": (wish, 2),
    "arrive": (arrive, 1),
    "retrain": (retrain, 5),
    "monitor": (monitor, 2),
    "look": (look, 1),
    "serve": (serve, 2),
    "mend": (mend, 2),
    "go_back": (go_back, 1),
    "make_room": (make_room, 2),
}


def begin(act: str, root: Path, seed: float, api: str, folder: Path) -> None:
    """The process of an act: works in the project, and prints into a file."""
    os.setsid()
    file = os.open(
        folder / f"{act}-{os.getpid()}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600
    )
    os.dup2(file, sys.stdout.fileno())
    os.dup2(file, sys.stderr.fileno())
    project = Project(root)
    os.environ.update(project.environment)
    os.chdir(root)
    scene = Scene(project, folder / "notes.jsonl", random.Random(seed))
    with temporary_settings({PREFECT_API_URL: api}):
        try:
            _act(act, scene)
            # A process that was forked does not do by itself what Prefect does at its end.
            EventsWorker.drain_all(timeout=5)
        except Exception:
            traceback.print_exc()
            sys.stderr.flush()
            # The process ends here: what Prefect would still do at its end is not what is tried.
            os._exit(FAULTY)


def _act(act: str, scene: Scene) -> None:
    try:
        ACTS[act][0](scene)
    except BusyError as busy:
        print(busy)
    except StageError as error:
        # A month arrived while a run read its source; the inbox has it tried once more.
        if "the source is not what was recorded" not in error.problem:
            raise


def noted(notes: Path, kind: str) -> Iterator[dict[str, Any]]:
    """What acts of a project have noted of a kind."""
    if notes.exists():
        for line in notes.read_bytes().splitlines():
            content = json.loads(line)
            if kind in content:
                yield content
