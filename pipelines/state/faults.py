"""Which faults were planted on purpose, when and by whom: append-only, like the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from pipelines.state import clock
from pipelines.state.store import faults


@dataclass(frozen=True)
class Planted:
    """One row. `fault` is what was planted, None where all faults of the model were taken away."""

    at: str
    model: str
    who: str
    fault: Mapping[str, Any] | None


def record(engine: sa.Engine, model: str, who: str, fault: Mapping[str, Any] | None) -> None:
    """Write that somebody plants a fault, or takes all of a model away."""
    told = None if fault is None else dict(fault)
    values = {"at": clock.now(), "model": model, "who": who}
    with engine.begin() as connection:
        connection.execute(
            faults.insert().values(fault=sa.null() if told is None else told, **values)
        )


def history(engine: sa.Engine, model: str) -> list[Planted]:
    """The rows of a model, the newest first."""
    query = faults.select().where(faults.c.model == model).order_by(faults.c.id.desc())
    with engine.connect() as connection:
        rows = connection.execute(query).all()
    return [Planted(row.at, row.model, row.who, row.fault) for row in rows]
