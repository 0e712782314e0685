"""The live ledger: which version was live when, who or what decided, and on which evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from pipelines.state import clock
from pipelines.state.leases import Lease
from pipelines.state.store import ledger

PROMOTED = "promoted"  # the gate passed
ADOPTED = "adopted"  # a person said so, because the ledger did not know
ROLLED_BACK = "rolled back"  # `previous` was live, and is no longer trusted


@dataclass(frozen=True)
class Entry:
    """One row. `previous` is the version that was live until then, None for the first."""

    at: str
    model: str
    action: str
    version: str
    previous: str | None
    commit: str
    who: str
    why: str
    evidence: Mapping[str, Any]
    run: str | None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Promotion:
    """What is to be written: the version, who or what decided, why, and on which evidence."""

    model: str
    version: str
    commit: str
    who: str
    why: str
    evidence: Mapping[str, Any]
    run: str
    action: str = PROMOTED


def live(engine: sa.Engine, model: str) -> Entry | None:
    """The newest entry of a model: what is live now, or None before the first promotion."""
    with engine.connect() as connection:
        return newest(connection, model)


def newest(connection: sa.Connection, model: str) -> Entry | None:
    """As `live`, within a transaction of the caller's."""
    entries = _entries(connection, model, most=1)
    return entries[0] if entries else None


def history(engine: sa.Engine, model: str, most: int | None = None) -> list[Entry]:
    """The entries of a model, the newest first."""
    with engine.connect() as connection:
        return _entries(connection, model, most)


def _entries(connection: sa.Connection, model: str, most: int | None) -> list[Entry]:
    query = ledger.select().where(ledger.c.model == model).order_by(ledger.c.id.desc())
    rows = connection.execute(query.limit(most) if most else query).mappings().all()
    return [Entry(**{key: row[key] for key in Entry.__dataclass_fields__}) for row in rows]


def promote(engine: sa.Engine, promotion: Promotion, lease: Lease | None = None) -> Entry:
    """Write that a version is live from now on. A second call for the same run changes nothing.

    Raises:
        BusyError: `lease` is given and somebody else holds it by now.
    """
    with engine.begin() as connection:
        if lease is not None:
            lease.require_held(connection)
        append(connection, promotion)
    entry = live(engine, promotion.model)
    assert entry is not None
    return entry


def append(connection: sa.Connection, promotion: Promotion) -> None:
    """Write an entry within a transaction of the caller's, unless its run has one already."""
    known = sa.select(ledger.c.id).where(ledger.c.run == promotion.run)
    if connection.execute(known).one_or_none() is not None:
        return
    before = newest(connection, promotion.model)
    connection.execute(
        ledger.insert().values(
            at=clock.now(), previous=before.version if before else None, **asdict(promotion)
        )
    )
