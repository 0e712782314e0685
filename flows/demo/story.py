"""What is done in the demo, in order; what happens because of it is done by the project itself."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from flows.demo import ground, pages, quality, telling, views
from flows.demo.following import Story
from flows.demo.traffic import FAST, SLOW, STEADY, Traffic
from flows.memory import Peak
from flows.throwaway import MODEL, Demo, background, clone_of, module, retrained, surroundings
from pipelines.errors import EXIT_DONE, EXIT_REFUSED, EXIT_UNKNOWN, WorkspaceError
from pipelines.files import write_text
from pipelines.gateway.access_log import read_access_log
from pipelines.gateway.admin import wait_until
from pipelines.inference.session import ModelSession
from pipelines.monitoring import records
from pipelines.monitoring.action import Action
from pipelines.monitoring.triggers import inbox
from pipelines.monitoring.triggers.events import State
from pipelines.paths import home
from pipelines.replaying import standing
from pipelines.rollout import store as rollouts
from pipelines.rollout.state import Phase
from pipelines.stack import applied
from pipelines.state import ledger, store
from pipelines.versioning import versions
from pipelines.versioning.git import Repository

FIRST, TRAINED, LAST = "2013-03", "2013-05", "2013-07"
REPLAYED = ("2013-04", "2013-12")
# What is wrong with the planted batch: a feed tells the distance in metres instead of miles.
COLUMN, FACTOR = "distance", 1609.344
# With what came since the new version went live they fill a window, and are a fifth of it at least.
_BROKEN_ROWS = 45_000
_ROUTE_SECONDS = 120.0
_ANY = (EXIT_DONE, EXIT_REFUSED, EXIT_UNKNOWN)


def run(root: Path, keep: Path | None, *, as_json: bool) -> int:
    """The demo; returns the exit code.

    Raises:
        WorkspaceError: `root` is no repository, `keep` is not empty, or something did not come.
    """
    console = Console(stderr=as_json, highlight=False)
    demo = Demo(clone_of(Repository.at(root), keep), console)
    console.print(f"in a throwaway clone: {demo.clone}", soft_wrap=True)
    with Peak() as peak, surroundings(demo):
        ground.prepare(demo.clone)
        story = Story(demo, store.connect(home(demo.clone).database), time.time())
        try:
            _act(story)
        finally:
            with demo.part("end the stack"):
                demo.evergreen("down")
        told, page = _told(story)
    out = home(root).reports / "demo.html"
    write_text(page, out)
    told |= {"peak_memory_gib": round(peak.gib, 2), "page": str(out)}
    if as_json:
        print(json.dumps(told, indent=2))
    else:
        views.show(console, told)
    return EXIT_DONE if told["is_as_told"] else EXIT_REFUSED


def _told(story: Story) -> tuple[dict[str, Any], str]:
    """What came of it, and its page."""
    repository, demo = Repository(story.demo.clone), story.demo
    with demo.part("ask v1 again about all that was answered, and write the page"):
        first = versions.registered(repository, MODEL)[0]
        frozen = ModelSession.open(versions.model_folder(repository, story.home, first))
        logs = (story.home.predictions(MODEL), story.home.feedback(MODEL))
        rows, happened = quality.answered(*logs, MODEL, frozen), story.events()
        live = [entry.version for entry in ledger.history(story.engine, MODEL)]
        found = telling.told(rows, happened, live, story.planted, story.began)
        found["clone"] = str(demo.clone)
        page = pages.page(found, rows, happened, story.began)
    return {**found, "seconds": demo.seconds}, page


def _act(story: Story) -> None:
    demo, released = story.demo, lambda: _is_released(story)
    with demo.part("start the stack: gateway, Prefect, supervisor"):
        up = demo.evergreen("up", "--prefect")
    demo.environment["PREFECT_API_URL"] = up["prefect"]
    scopes = ("--scope", f"predict:{MODEL}", "--scope", "feedback")
    demo.evergreen("client", "add", ground.CLIENT, *scopes, "--tier", ground.TIER)
    demo.evergreen("client", "add", ground.ADMIN, "--scope", "admin", "--tier", ground.TIER)
    retrained(demo, f"January to March become {MODEL}@v1", FIRST)
    with demo.part("the gateway opens its route"):
        _await_route(story)
    for part, speed, what, is_over in (
        ("April and May arrive", FAST, "May is over", lambda: _is_known(story, TRAINED)),
        ("June begins, while a retrain is at work", SLOW, "it came", lambda: _is_open(story)),
        ("June goes on, while the new version is rolled out", STEADY, "it ended", released),
        ("the rest until July", FAST, "July is over", lambda: _is_known(story, LAST)),
    ):
        with demo.part(part), Traffic(demo, REPLAYED, speed) as traffic:
            story.follow(is_over, what, traffic)
    with demo.part(f"a broken batch: {COLUMN} in metres"):
        _plant_broken(story)
    with (
        demo.part("a bad challenger: half of its answers are 503"),
        Traffic(demo, REPLAYED, STEADY) as traffic,
    ):
        _plant_challenger(story, traffic)


def _await_route(story: Story) -> None:
    if not wait_until(lambda: bool(applied.read(story.home).weights.get(MODEL)), _ROUTE_SECONDS):
        raise WorkspaceError(
            f"the first version gets no requests after {_ROUTE_SECONDS:g} s",
            where=str(story.home.logs),
            next_step="look at the log of its server, and of the keeper",
        )


def _is_known(story: Story, month: str) -> bool:
    """Whether a month of the replay is over, and the truth of its rows is known."""
    found = standing.read(story.home.replay(MODEL))
    return found is not None and found.month is not None and found.month >= month


def _is_open(story: Story) -> bool:
    """Whether there is a rollout, open or over."""
    return rollouts.latest(story.engine, MODEL) is not None


def _is_released(story: Story) -> bool:
    """Whether a rollout came to its end, whichever that is."""
    found = rollouts.latest(story.engine, MODEL)
    return found is not None and found.state.phase.is_final


def _plant_broken(story: Story) -> None:
    given = (MODEL, ground.CLIENT, COLUMN, str(FACTOR), str(_BROKEN_ROWS))
    starts = _starts(story)
    sent = module(story.demo, "flows.demo.broken", *given)
    story.demo.evergreen("monitor", MODEL, allowed=_ANY)
    story.tell()
    found = records.latest(story.engine, MODEL, 5)
    broken = [each for each in found if each.action is Action.QUARANTINE]
    story.planted["broken"] = {
        "rows": int(sent),
        "quarantined": bool(broken),
        "reason": broken[0].verdict.reason if broken else found[0].verdict.reason,
        "retrains": _starts(story) - starts,
    }


def _plant_challenger(story: Story, traffic: Traffic) -> None:
    live = ledger.live(story.engine, MODEL)
    assert live is not None, "v1 is, at least"
    name = module(story.demo, "flows.drills.copied", "same", MODEL, live.version.split("@")[1])
    version, began = name.split("@")[1], time.time()
    with background(story.demo, "rollout", MODEL, version, "--every", "1"):
        story.follow(lambda: _phase(story, name) is not None, "its rollout is open", traffic)
        story.follow(
            lambda: _phase(story, name) not in (Phase.PENDING, Phase.MIRRORING),
            "its canary has begun",
            traffic,
        )
        fault = ("--abort", "503", "--percent", "50", "--minutes", "5")
        story.demo.evergreen(
            "inject", MODEL, *fault, "--version", version, "--client", ground.ADMIN
        )
        story.follow(lambda: _is_released(story), "its rollout is over", traffic)
    phase = _phase(story, name)
    seen = list(read_access_log(story.home.gateway, began, time.time()))
    story.planted["challenger"] = {
        "version": name,
        "phase": None if phase is None else phase.value,
        "requests": len(seen),
        "bad": sum(each.status >= 500 for each in seen),
    }


def _phase(story: Story, name: str) -> Phase | None:
    found = rollouts.latest(story.engine, MODEL)
    if found is None or found.state.plan.challenger != name:
        return None
    return found.state.phase


def _starts(story: Story) -> int:
    return sum(
        each.state in (State.STARTED, State.DONE) for each in inbox.listed(story.engine, MODEL, 100)
    )
