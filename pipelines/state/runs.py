"""Runs: what a retrain was asked to do, how far it got, and what came of it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from pipelines.state import clock
from pipelines.state.store import runs

RUNNING = "running"
PROMOTED = "promoted"
REGISTERED = "registered"  # a version that a rollout may make live
REFUSED = "refused"
FAILED = "failed"
ABANDONED = "abandoned"
# The gate has spoken, whatever it said.
JUDGED = (PROMOTED, REGISTERED, REFUSED)


@dataclass(frozen=True)
class Run:
    """One retrain of one model, from one base commit, with these overrides of params.yaml."""

    id: str
    model: str
    status: str
    base: str
    overrides: Mapping[str, Any]
    reason: str
    started: str
    finished: str | None = None
    commit: str | None = None
    version: str | None = None
    verdict: Mapping[str, Any] | None = None


def begin(
    engine: sa.Engine, model: str, base: str, overrides: Mapping[str, Any], reason: str
) -> tuple[Run, bool]:
    """Start a run, or take up the one that was killed.

    Call it with the lease held: every run that is still `running` then has no process.

    Returns:
        The run, and whether it was taken up. A killed run that was asked for something else is
        marked abandoned.
    """
    with engine.begin() as connection:
        unfinished = (
            connection.execute(
                runs.select().where((runs.c.model == model) & (runs.c.status == RUNNING))
            )
            .mappings()
            .all()
        )
        taken_up = None
        for row in unfinished:
            is_same = row["base"] == base and row["overrides"] == dict(overrides)
            if is_same and taken_up is None:
                taken_up = Run(**row)
                continue
            connection.execute(
                runs.update()
                .where(runs.c.id == row["id"])
                .values(status=ABANDONED, finished=clock.now())
            )
        if taken_up is not None:
            return taken_up, True
        run = Run(_new_id(), model, RUNNING, base, dict(overrides), reason, clock.now())
        connection.execute(runs.insert().values(**asdict(run)))
    return run, False


def update(engine: sa.Engine, run: str, **values: Any) -> None:
    """Set columns of a run."""
    with engine.begin() as connection:
        connection.execute(runs.update().where(runs.c.id == run).values(**values))


def finish(engine: sa.Engine, run: str, status: str, **values: Any) -> None:
    """Set the final status of a run, and other columns with it; a run ends once."""
    ended = {"status": status, "finished": clock.now(), **values}
    with engine.begin() as connection:
        connection.execute(
            runs.update().where((runs.c.id == run) & (runs.c.status == RUNNING)).values(**ended)
        )


def latest(engine: sa.Engine, model: str, most: int = 20) -> list[Run]:
    """The runs of a model, the newest first."""
    query = runs.select().where(runs.c.model == model).order_by(runs.c.id.desc())
    with engine.connect() as connection:
        return [Run(**row) for row in connection.execute(query.limit(most)).mappings()]


def dead_commits(engine: sa.Engine, model: str) -> set[str]:
    """The commits of runs that broke down or were abandoned after they had committed."""
    mine = (runs.c.model == model) & runs.c.status.in_([FAILED, ABANDONED])
    query = sa.select(runs.c.commit).where(mine & runs.c.commit.is_not(None))
    with engine.connect() as connection:
        return set(connection.execute(query).scalars())


def _new_id() -> str:
    """Sortable by time to the millisecond, and different for two in the same one."""
    now = datetime.now(UTC)
    return f"{now:%Y%m%d-%H%M%S}{now.microsecond // 1000:03}-{secrets.token_hex(2)}"
