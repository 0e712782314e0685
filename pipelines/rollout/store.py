"""Rollouts in the state store: at most one open a model, and one controller that may write it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from pipelines.errors import BusyError, RolloutError, StateError
from pipelines.rollout.routing import percent_of
from pipelines.rollout.state import Phase, State, decode, encode
from pipelines.state import clock
from pipelines.state.leases import Lease
from pipelines.state.store import rollout_changes, rollouts
from pipelines.verdicts import Verdict


@dataclass(frozen=True)
class Stored:
    """A rollout as it was read.

    Attributes:
        state: what was written last.
        fence: which controller may write; a higher one took over since.
        revision: how often it was written.
    """

    state: State
    fence: int
    revision: int


@dataclass(frozen=True)
class Change:
    """One line of a rollout's history: a new phase, weight or reason, and the verdict behind it."""

    at: str
    revision: int
    phase: str
    weight_percent: int
    reason: str
    verdict: Mapping[str, Any] | None


def lease_name(model: str) -> str:
    """The lease that a controller holds while it ticks."""
    return f"rollout/{model}"


def open_new(engine: sa.Engine, state: State) -> Stored:
    """Write the first state of a rollout.

    Raises:
        BusyError: a rollout of the model is open.
        RolloutError: there was a rollout with this id.
    """
    plan, text = state.plan, encode(state)
    values = {"id": plan.id, "model": plan.model, "started": clock.now(), **_content(text)}
    try:
        with engine.begin() as connection:
            connection.execute(rollouts.insert().values(fence=1, revision=1, **values))
            connection.execute(_change(state, 1, None))
    except sa.exc.IntegrityError as error:
        running = current(engine, plan.model)
        if running is None:
            raise RolloutError(
                "there was a rollout with this id already",
                where=f"rollout {plan.id}",
                next_step="begin it with an id of its own",
            ) from error
        raise BusyError(
            f"the rollout of {running.state.plan.challenger} is {running.state.phase}",
            where=f"rollout of {plan.model}",
            next_step=f"wait for it to end, or end it with `evergreen rollback {plan.model}`",
        ) from error
    return Stored(state, 1, 1)


def current(engine: sa.Engine, model: str) -> Stored | None:
    """The open rollout of a model, to look at; None if there is none.

    Raises:
        StateError: what was written is damaged, or was changed by hand.
    """
    query = rollouts.select().where((rollouts.c.model == model) & rollouts.c.finished.is_(None))
    with engine.connect() as connection:
        row = connection.execute(query).one_or_none()
    return None if row is None else _read(row)


def latest(engine: sa.Engine, model: str) -> Stored | None:
    """The newest rollout of a model, open or ended; None before the first.

    A controller that was killed may have written an end that the gateway was never told of: whoever
    starts applies the routing of this one first.

    Raises:
        StateError: what was written is damaged, or was changed by hand.
    """
    query = rollouts.select().where(rollouts.c.model == model).order_by(rollouts.c.number.desc())
    with engine.connect() as connection:
        row = connection.execute(query.limit(1)).one_or_none()
    return None if row is None else _read(row)


def claim(engine: sa.Engine, model: str, lease: Lease | None = None) -> Stored:
    """Take over the open rollout of a model: whoever wrote it until now can do so no more.

    A controller that ticks holds the lease of the model, so that two do not take turns. A person's
    rollback does without: it must not wait for a controller that hangs.

    Raises:
        RolloutError: no rollout of the model is open.
        BusyError: `lease` is given and somebody else holds it by now.
        StateError: what was written is damaged, or was changed by hand.
    """
    mine = (rollouts.c.model == model) & rollouts.c.finished.is_(None)
    with engine.begin() as connection:
        if lease is not None:
            lease.require_held(connection)
        connection.execute(rollouts.update().where(mine).values(fence=rollouts.c.fence + 1))
        row = connection.execute(rollouts.select().where(mine)).one_or_none()
        # Read within the transaction: a state that cannot be read is not taken over.
        if row is not None:
            return _read(row)
    raise RolloutError(
        "no rollout is open",
        where=f"rollout of {model}",
        next_step=f"begin one with `evergreen rollout {model}`",
    )


def save(
    engine: sa.Engine,
    stored: Stored,
    state: State,
    verdict: Verdict | None = None,
    also: Callable[[sa.Connection], object] | None = None,
) -> Stored:
    """Write the next state of a rollout that was claimed; the same state again writes nothing.

    Args:
        engine: of the state store.
        stored: what the rollout was claimed as, or was saved as last.
        state: the next one.
        verdict: the evidence behind it, for the history.
        also: writes what has to be true with the state or not at all, in the same transaction.

    Returns:
        What the next `save` wants.

    Raises:
        BusyError: another controller took the rollout over since.
    """
    if state == stored.state:
        return stored
    if state.plan != stored.state.plan:
        raise RolloutError(
            "its plan was changed on the way",
            where=f"rollout {stored.state.plan.id}",
            next_step="settings are frozen when a rollout begins; abort it and begin anew",
        )
    following = replace(stored, state=state, revision=stored.revision + 1)
    is_mine = (
        (rollouts.c.id == state.plan.id)
        & (rollouts.c.fence == stored.fence)
        & (rollouts.c.revision == stored.revision)
    )
    finished = clock.now() if state.phase.is_final else None
    values = {"revision": following.revision, "finished": finished, **_content(encode(state))}
    with engine.begin() as connection:
        if connection.execute(rollouts.update().where(is_mine).values(**values)).rowcount != 1:
            raise BusyError(
                f"was taken over by another controller after number {stored.fence}",
                where=f"rollout {state.plan.id}",
                next_step="stop this one: what it knows is old",
            )
        if _is_news(stored.state, state):
            connection.execute(_change(state, following.revision, verdict))
        if also is not None:
            also(connection)
    return following


def give_up(engine: sa.Engine, model: str, why: str) -> str | None:
    """Close the open rollout of a model without reading its state, for when that cannot be read.

    The gateway has to be given the champion first.

    Returns:
        The id of the rollout, or None if none was open.
    """
    mine = (rollouts.c.model == model) & rollouts.c.finished.is_(None)
    closed = {"finished": clock.now(), "fence": rollouts.c.fence + 1}
    with engine.begin() as connection:
        row = connection.execute(
            sa.select(rollouts.c.id, rollouts.c.revision).where(mine).with_for_update()
        ).one_or_none()
        if row is None:
            return None
        connection.execute(rollouts.update().where(rollouts.c.id == row.id).values(**closed))
        connection.execute(
            rollout_changes.insert().values(
                rollout=row.id,
                revision=row.revision,
                at=clock.now(),
                phase=Phase.ABORTED.value,
                weight_percent=0,
                reason=f"closed without being read: {why}",
            )
        )
    return str(row.id)


@dataclass(frozen=True)
class Listed:
    """A rollout without its state, which may be unreadable."""

    id: str
    started: str
    finished: str | None


def listed(engine: sa.Engine, model: str) -> list[Listed]:
    """All rollouts of a model, the newest first."""
    columns = (rollouts.c.id, rollouts.c.started, rollouts.c.finished)
    query = sa.select(*columns).where(rollouts.c.model == model).order_by(rollouts.c.number.desc())
    with engine.connect() as connection:
        return [Listed(*row) for row in connection.execute(query)]


def history(engine: sa.Engine, rollout: str) -> list[Change]:
    """The changes of a rollout, the oldest first."""
    query = (
        rollout_changes.select()
        .where(rollout_changes.c.rollout == rollout)
        .order_by(rollout_changes.c.id)
    )
    with engine.connect() as connection:
        rows = connection.execute(query).mappings().all()
    return [Change(**{key: row[key] for key in Change.__dataclass_fields__}) for row in rows]


def _is_news(before: State, after: State) -> bool:
    # The figures in the reason of a step that holds change with every look: no news.
    keys = ("phase", "stage", "is_paused")
    return any(getattr(before, key) != getattr(after, key) for key in keys)


def _change(state: State, revision: int, verdict: Verdict | None) -> sa.Insert:
    return rollout_changes.insert().values(
        rollout=state.plan.id,
        revision=revision,
        at=clock.now(),
        phase=state.phase.value,
        weight_percent=percent_of(state),
        reason=state.reason,
        verdict=None if verdict is None else verdict.to_json(),
    )


def _content(text: str) -> dict[str, str]:
    return {"state": text, "digest": _digest(text)}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _read(row: sa.Row[Any]) -> Stored:
    where = f"rollout {row.id} in the state store"
    if _digest(row.state) != row.digest:
        raise StateError(
            "the state of the rollout was changed by something else than a controller",
            where=where,
            next_step="route everything to the champion with `evergreen rollback`, and begin anew",
        )
    return Stored(decode(row.state, where), row.fence, row.revision)
