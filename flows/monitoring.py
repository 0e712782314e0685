"""Watching a model: one check now, what follows from it, and the retrain of a trigger."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from flows.learned import settle
from flows.status import live_version
from pipelines import settings
from pipelines.errors import EXIT_DONE, EXIT_REFUSED, EXIT_UNKNOWN, EvergreenError
from pipelines.monitoring import pages
from pipelines.monitoring.baseline import VersionFiles
from pipelines.monitoring.check import Checked, Live, check
from pipelines.monitoring.labelled import Logs
from pipelines.monitoring.records import Record
from pipelines.monitoring.triggers import inbox
from pipelines.monitoring.triggers.events import Trigger, asked_by_a_person, came_of
from pipelines.monitoring.triggers.inbox import Start
from pipelines.paths import HomePaths, home
from pipelines.state import ledger, store
from pipelines.verdicts import Outcome
from pipelines.versioning import versions, watched
from pipelines.versioning.git import Repository


@dataclass(frozen=True)
class Monitored:
    """What came of a check: the windows that were looked at, and the retrain to begin, if any."""

    model: str
    windows: list[Record]
    start: Start | None
    triggers: list[Trigger]

    @property
    def exit_code(self) -> int:
        """Of the newest window: done, refused, or could not tell."""
        verdict = self.windows[-1].verdict
        if verdict.has_passed:
            return EXIT_DONE
        return EXIT_REFUSED if verdict.outcome is Outcome.FAILED else EXIT_UNKNOWN

    def to_json(self) -> dict[str, Any]:
        start = self.start
        return {
            "model": self.model,
            "windows": [record.to_json() for record in self.windows],
            "start": None
            if start is None
            else {"trigger": start.trigger.id, "attempt": start.attempt},
            "triggers": [trigger.to_json() for trigger in self.triggers],
        }


def monitor(
    root: Path,
    model: str,
    at: datetime | None = None,
    *,
    live_since: datetime | None = None,
    has_pages: bool = True,
    tell: Callable[[Start], object] | None = None,
) -> Monitored:
    """Look at all windows of the live version that are due, and decide about what waits.

    Args:
        root: the project.
        model: its name in params.yaml.
        at: the end of time; now by default.
        live_since: when the live version went live, by the clock of `at`; by default what the
            ledger says, whose clock is ours.
        has_pages: whether to write pages of alarms and the timeline.
        tell: called with the retrain to begin, if any.

    Raises:
        EvergreenError: nothing is live, or a log or the store cannot be read.
    """
    places, now = home(root), at or datetime.now(UTC)
    engine = store.connect(places.database)
    live = _live(root, places, engine, model)
    if live_since is not None:
        live = replace(live, since=live_since)
    logs = Logs(places.predictions(model), places.feedback(model))
    checked = check(engine, live, logs, places.monitor(model), now)
    start = settle(root, engine, model, live.settings.trigger, now)
    if start is not None and tell is not None:
        # At once: a start that nobody is told of waits until it is handed out again, and the pages
        # of an alarm take a while.
        tell(start)
    found = [_with_page(engine, places, each) if has_pages else each.record for each in checked]
    return Monitored(model, found, start, inbox.listed(engine, model, 5))


def ask(root: Path, model: str, reason: str) -> Start | None:
    """Put a person's wish for a retrain into the inbox, and decide.

    Raises:
        EvergreenError: there is no such model, or the store cannot be written.
    """
    chosen = settings.load(root).model(model)
    engine, now = store.connect(home(root).database), datetime.now(UTC)
    inbox.offer(engine, asked_by_a_person(model, reason, now), now)
    return settle(root, engine, model, chosen.trigger, now)


def listed(root: Path, model: str, *, closes_breaker: bool = False) -> list[Trigger]:
    """The triggers of a model, the newest first; the breaker is closed before, if asked for.

    Raises:
        EvergreenError: there is no such model, or the store cannot be used.
    """
    settings.load(root).model(model)
    engine = store.connect(home(root).database)
    if closes_breaker:
        inbox.close_breaker(engine, model, getpass.getuser(), datetime.now(UTC))
    return inbox.listed(engine, model)


def retrain_for(
    root: Path,
    model: str,
    trigger: int,
    attempt: int,
    overrides: dict[str, Any] | None = None,
    at: datetime | None = None,
) -> str:
    """Take up a start of the inbox, retrain, and write down what came of it.

    Whoever comes second is told so and trains nothing. A retrain that breaks down gives its trigger
    back; one that is killed is handed out again by the next decision.

    Args:
        root, model: which project, and which model of it.
        trigger, attempt: the start.
        overrides: as `retrain`.
        at: when it is; now by default.

    Returns:
        What came of it, in words.

    Raises:
        BusyError: the start was taken up by somebody else.
        EvergreenError: the retrain broke down.
    """
    from flows.retraining import retrain

    engine = store.connect(home(root).database)
    taken = inbox.take(engine, trigger, attempt)
    reason = f"trigger {trigger}: {taken.event.reason}"
    try:
        result = retrain(model, overrides, reason, True, root, (trigger, attempt))
    except EvergreenError as error:
        inbox.give_back(engine, taken, error.problem, at or datetime.now(UTC))
        raise
    why = came_of(result.version, result.verdict.reason)
    inbox.finish(engine, taken, result.run, why, at or datetime.now(UTC))
    return why


def _live(root: Path, places: HomePaths, engine: sa.Engine, model: str) -> Live:
    chosen = settings.load(root).model(model)
    version, repository = live_version(root, model), Repository.at(root)
    entry = ledger.live(engine, model)
    assert entry is not None, "a live version has an entry"
    files = VersionFiles(
        version.name,
        versions.model_folder(repository, places, version),
        watched.evidence_folder(repository, places, version),
    )
    since = datetime.fromisoformat(entry.at)
    return Live(model, files, since, chosen, watched.settings_of(repository, version) or chosen)


def _with_page(engine: sa.Engine, places: HomePaths, checked: Checked) -> Record:
    folder = places.monitor(checked.record.window.model)
    return pages.publish(engine, folder, places.timeline, checked)
