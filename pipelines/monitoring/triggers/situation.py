"""What the state store knows when triggers are decided about."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import sqlalchemy as sa

from pipelines.monitoring.action import Action
from pipelines.monitoring.triggers.events import State, came_of
from pipelines.monitoring.triggers.ruling import Situation, StartedTrigger
from pipelines.rollout.state import Phase
from pipelines.state import leases, runs
from pipelines.state.ledger import ADOPTED, PROMOTED
from pipelines.state.store import (
    inboxes,
    ledger,
    rollout_changes,
    rollouts,
    triggers,
    windows,
)
from pipelines.state.store import runs as runs_table
from pipelines.verdicts import Outcome

# More starts or refusals than these have no say in any sensible limit.
_MOST = 50


def look(engine: sa.Engine, connection: sa.Connection, model: str, now: datetime) -> Situation:
    """Gather it, within the transaction of whoever decides.

    Args:
        engine: of the store; leases are looked at through it.
        connection: holds the model's inbox.
        model: which model.
        now: the time.
    """
    newest = sa.select(ledger.c.version).where(ledger.c.model == model).order_by(ledger.c.id.desc())
    closed = inboxes.select().where(inboxes.c.model == model)
    since = connection.execute(closed).one().breaker_closed
    return Situation(
        now=now,
        live=connection.execute(newest.limit(1)).scalar(),
        busy=leases.holder(engine, f"retrain/{model}"),
        started=_started(connection, model),
        starts=_starts(connection, model),
        training_seconds=_training_seconds(connection, model),
        refusals=refusals(_endings(connection, model), since),
        quarantine=_quarantine(connection, model),
    )


def refusals(endings: Iterable[tuple[float, bool]], since: float) -> int:
    """How many challengers failed in a row.

    Args:
        endings: when a challenger came to its end, Unix time, and whether it went live.
        since: those before that do not count.
    """
    found = 0
    for at, is_live in sorted(endings, reverse=True):
        if is_live or at <= since:
            break
        found += 1
    return found


def _started(connection: sa.Connection, model: str) -> StartedTrigger | None:
    is_started = (triggers.c.model == model) & (triggers.c.state == State.STARTED.value)
    row = connection.execute(triggers.select().where(is_started)).one_or_none()
    if row is None:
        return None
    came = None if row.run is None else _came_of(connection, row.run)
    return StartedTrigger(row.id, row.attempt, _time(row.started), came)


def _came_of(connection: sa.Connection, run: str) -> str | None:
    judged = (runs_table.c.id == run) & runs_table.c.status.in_(runs.JUDGED)
    row = connection.execute(runs_table.select().where(judged)).one_or_none()
    return None if row is None else came_of(row.version, (row.verdict or {}).get("reason", ""))


def _starts(connection: sa.Connection, model: str) -> tuple[datetime, ...]:
    mine = (triggers.c.model == model) & triggers.c.started.is_not(None)
    query = sa.select(triggers.c.started).where(mine).order_by(triggers.c.started.desc())
    return tuple(_time(at) for at in connection.execute(query.limit(_MOST)).scalars())


def _training_seconds(connection: sa.Connection, model: str) -> float:
    ended = (runs_table.c.model == model) & runs_table.c.status.in_([runs.PROMOTED, runs.REFUSED])
    query = runs_table.select().where(ended).order_by(runs_table.c.finished.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return 0.0 if row is None else max(0.0, _read(row.finished) - _read(row.started))


def _endings(connection: sa.Connection, model: str) -> list[tuple[float, bool]]:
    """Refused by the gate, or rolled back from users; or live."""
    refused = sa.select(runs_table.c.finished, runs_table.c.verdict).where(
        (runs_table.c.model == model) & (runs_table.c.status == runs.REFUSED)
    )
    back = (
        sa.select(rollout_changes.c.at)
        .join(rollouts, rollouts.c.id == rollout_changes.c.rollout)
        .where((rollouts.c.model == model) & (rollout_changes.c.phase == Phase.ROLLED_BACK.value))
    )
    live = sa.select(ledger.c.at).where(
        (ledger.c.model == model) & ledger.c.action.in_([PROMOTED, ADOPTED])
    )
    found = [
        (_read(at), False)
        for at, verdict in connection.execute(refused)
        # A holdout that was too small to tell says nothing against its challenger.
        if at and (verdict or {}).get("outcome") != Outcome.INCONCLUSIVE.value
    ]
    found += [(_read(at), False) for at in connection.execute(back).scalars()]
    return found + [(_read(at), True) for at in connection.execute(live).scalars()]


def _quarantine(connection: sa.Connection, model: str) -> str | None:
    # What could not be told says nothing of the data, neither good nor bad.
    told = (windows.c.model == model) & windows.c.outcome.in_(["PASSED", "FAILED"])
    query = windows.select().where(told).order_by(windows.c.until.desc(), windows.c.at.desc())
    row = connection.execute(query.limit(1)).one_or_none()
    if row is None or row.action != Action.QUARANTINE.value:
        return None
    return f"the window until {_time(row.until):%Y-%m-%d %H:%M} UTC is {row.verdict['reason']}"


def _read(written: str) -> float:
    return datetime.fromisoformat(written).timestamp()


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
