"""Reads the facts from the state store; it writes nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

from pipelines.alerting import told
from pipelines.alerting.facts import Breaker, EndedRollout, Facts, OpenRollout, Snapshot
from pipelines.errors import StateError
from pipelines.monitoring import records
from pipelines.monitoring.triggers import inbox, situation
from pipelines.rollout import clock as rollout_clock
from pipelines.rollout import store as rollouts
from pipelines.rollout.instant import Instant, seconds_between
from pipelines.rollout.routing import percent_of
from pipelines.rollout.state import State
from pipelines.rollout.waiting import seconds_here
from pipelines.settings import ModelSettings, Settings
from pipelines.state import clock, leases, ledger, runs
from pipelines.state.runs import RUNNING, Run
from pipelines.state.store import inboxes

# More of anything is no news any more.
_MOST = 20


def read(engine: sa.Engine, settings: Settings, now: Instant | None = None) -> Snapshot:
    """All models of the settings.

    Args:
        engine: of the state store.
        settings: of the project.
        now: the moment; read from the clock by default.

    Raises:
        StateError: the store cannot be read.
    """
    moment = now or rollout_clock.read()
    models = tuple(facts(engine, name, each, moment) for name, each in settings.models.items())
    return Snapshot(moment.wall, models, told.totals(engine))


def facts(engine: sa.Engine, model: str, settings: ModelSettings, now: Instant) -> Facts:
    """What the store says of one model."""
    rollout, unreadable = _open_rollout(engine, model, now)
    monitor = settings.monitor
    return Facts(
        model=model,
        entries=tuple(ledger.history(engine, model, _MOST)),
        runs=tuple(runs.latest(engine, model, _MOST)),
        orphan=_orphan(engine, model),
        rollout=rollout,
        unreadable=unreadable,
        ended=_ended(engine, model),
        windows=tuple(records.latest(engine, model, _MOST)),
        window_hours=monitor.window_hours if monitor.window_rows is None else None,
        triggers=tuple(inbox.listed(engine, model, _MOST)),
        breaker=_breaker(engine, model, settings.trigger.failed_gates_open_breaker, now.wall),
    )


def _orphan(engine: sa.Engine, model: str) -> Run | None:
    """The unfinished run whose process is gone."""
    found = _unfinished(engine, model)
    if found is None or leases.holder(engine, f"retrain/{model}") is not None:
        return None
    # It may have ended, as it should, between the two looks.
    still = _unfinished(engine, model)
    return still if still is not None and still.id == found.id else None


def _unfinished(engine: sa.Engine, model: str) -> Run | None:
    newest = runs.latest(engine, model, most=1)
    return newest[0] if newest and newest[0].status == RUNNING else None


def _open_rollout(engine: sa.Engine, model: str, now: Instant) -> tuple[OpenRollout | None, str]:
    try:
        stored = rollouts.current(engine, model)
    except StateError as error:
        # A store that cannot be read at all fails in every other query as well.
        return None, error.problem
    return (None, "") if stored is None else (_of_state(stored.state, now), "")


def _of_state(state: State, now: Instant) -> OpenRollout:
    return OpenRollout(
        id=state.plan.id,
        champion=state.plan.champion,
        challenger=state.plan.challenger,
        phase=state.phase,
        weight_percent=percent_of(state),
        is_paused=state.is_paused,
        reason=state.reason,
        entered=state.clock.wall - seconds_here(state),
        looked=state.clock.wall,
        unseen_seconds=seconds_between(state.clock, now),
    )


def _ended(engine: sa.Engine, model: str) -> tuple[EndedRollout, ...]:
    found = []
    for each in [each for each in rollouts.listed(engine, model) if each.finished][:_MOST]:
        assert each.finished is not None
        last = rollouts.history(engine, each.id)[-1]
        at = clock.seconds_of(each.finished)
        found.append(EndedRollout(each.id, at, last.phase, last.reason))
    return tuple(found)


def _breaker(engine: sa.Engine, model: str, limit: int, now: float) -> Breaker | None:
    mine = sa.select(inboxes.c.breaker_closed).where(inboxes.c.model == model)
    with engine.connect() as connection:
        closed = connection.execute(mine).scalar_one_or_none()
        if closed is None:
            return None
        found = situation.look(engine, connection, model, datetime.fromtimestamp(now, UTC))
    return Breaker(found.refusals, limit, closed)
