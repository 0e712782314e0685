"""Back to what was live before: without Prefect, without waiting for a controller."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from pipelines.errors import BusyError, EvergreenError, RolloutError, StateError
from pipelines.releasing import people
from pipelines.releasing.project import Project
from pipelines.releasing.registered import Registered, require
from pipelines.releasing.router import Router
from pipelines.rollout import store
from pipelines.stack.desired import previous_live
from pipelines.state import ledger
from pipelines.state import store as state_store
from pipelines.state.clock import seconds_of
from pipelines.state.ledger import ROLLED_BACK, Entry, Promotion

# Whoever is not sure that it worked runs it again; that must not go back two versions.
AGAIN_SECONDS = 120.0


@dataclass(frozen=True)
class RolledBack:
    """What a rollback came to.

    Attributes:
        live: the version that has all requests now.
        before: the version that was live until then; the same if only a rollout was ended.
        ended: the challenger whose rollout was ended, or None.
        is_repeated: whether it had been done moments before, and was only applied again.
        seconds: from the call to the routes that the gateway took.
    """

    live: str
    before: str
    ended: str | None
    is_repeated: bool
    seconds: float


def rollback(
    project: Project, model: str, router: Router, *, to: str | None = None, who: str, why: str
) -> RolledBack:
    """End an open rollout, or else return to the version that was live before this one.

    Args:
        project: where.
        model: its name in params.yaml.
        router: applies what is written.
        to: a registered version to return to, though it was rolled back once; an open rollout
            is ended as well.
        who, why: for the ledger.

    Raises:
        RolloutError: there is nothing to return to, or it is written and not applied.
        WorkspaceError: there is no version `to`.
        BusyError: another version became live at the same moment.
    """
    started = time.monotonic()
    entries = _history(project, model)
    live = entries[0]
    # Before anything is ended: what cannot be done is refused as a whole.
    target = None if to is None else require(project, model, to)
    ended = _end_rollout(project, model, who, why)
    is_repeated = False
    if target is None and ended is None:
        is_repeated = _was_just_done(live)
        # Of the history that `live` was read from: somebody else may go back at this moment.
        target = None if is_repeated else _before(project, model, entries)
    if target is not None and target.version.name != live.version:
        _write(project, live, target, who, why)
    now_live = _history(project, model)[0]
    _reroute(router, now_live.version)
    return RolledBack(
        now_live.version, live.version, ended, is_repeated, time.monotonic() - started
    )


def _history(project: Project, model: str) -> list[Entry]:
    """What was live, newest first; never empty."""
    entries = ledger.history(project.engine, model)
    if entries:
        return entries
    raise RolloutError(
        "nothing is live, so there is nothing to go back from",
        where=f"rollback of {model}",
        next_step=f"run `evergreen retrain {model}`, or say with `evergreen adopt` what is live",
    )


def _end_rollout(project: Project, model: str, who: str, why: str) -> str | None:
    """The challenger of the rollout that was ended; its id where the state cannot be read."""
    try:
        if store.current(project.engine, model) is None:
            return None
        return people.end(project, model, who=who, why=why).plan.challenger
    except StateError as error:
        return store.give_up(project.engine, model, f"{who}: {why} ({error.problem})")


def _was_just_done(live: Entry) -> bool:
    age = datetime.now(UTC).timestamp() - seconds_of(live.at)
    return live.action == ROLLED_BACK and 0 <= age < AGAIN_SECONDS


def _before(project: Project, model: str, entries: list[Entry]) -> Registered:
    found = previous_live(entries)
    if found is None:
        raise RolloutError(
            "no other version was live that nobody has turned away from",
            where=f"rollback of {model}",
            next_step="name one with `--to`; `evergreen history` lists what was live",
        )
    return require(project, model, found)


def _write(project: Project, live: Entry, target: Registered, who: str, why: str) -> None:
    entry = Promotion(
        model=live.model,
        version=target.version.name,
        commit=target.version.commit,
        who=who,
        why=why,
        evidence={"bento": target.bento},
        # Two people who both turn away from the same promotion do it once.
        run=f"rollback from {live.version}, live since {live.at}, {live.run}",
        action=ROLLED_BACK,
    )
    with state_store.writing(project.engine) as connection:
        ledger.append(connection, entry)
        _require_still(connection, live, entry)


def _require_still(connection: sa.Connection, live: Entry, entry: Promotion) -> None:
    """Within the transaction: what was turned away from is what was live until now."""
    newest = ledger.newest(connection, live.model)
    if newest is None or (newest.previous, newest.version) != (live.version, entry.version):
        raise BusyError(
            f"another version than {live.version} became live meanwhile",
            where=f"rollback of {live.model}",
            next_step="look at `evergreen history`, and decide again",
        )


def _reroute(router: Router, version: str) -> None:
    try:
        router.reroute()
    except EvergreenError as error:
        raise RolloutError(
            f"{version} is written as live, and the routes could not be applied: {error.problem}",
            where=error.where,
            next_step=f"{error.next_step}; then run the same command again, which applies them",
        ) from error
