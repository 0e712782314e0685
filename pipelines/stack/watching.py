"""Whether the state store says something new about routes: cheap enough to be asked often."""

from __future__ import annotations

import sqlalchemy as sa

from pipelines.state.store import ledger, rollouts


def mark(engine: sa.Engine) -> tuple[object, ...]:
    """What changes whenever another version may be live, or a rollout is somewhere else.

    Two small queries on indexes; SQLite's own `data_version` would be cheaper still, but other
    databases have none, and it changes with every lease.

    Raises:
        StateError: the store cannot be read.
    """
    newest = sa.select(sa.func.max(ledger.c.id))
    is_open = rollouts.c.finished.is_(None)
    written = sa.select(rollouts.c.number, rollouts.c.revision).where(is_open)
    with engine.connect() as connection:
        steps = sorted(tuple(row) for row in connection.execute(written))
        return (connection.execute(newest).scalar(), *steps)
