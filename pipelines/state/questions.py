"""How often a holdout has been asked: each further question to the same rows costs more."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date

import sqlalchemy as sa

from pipelines.state import clock
from pipelines.state.store import questions

# Two holdouts are the same one when at least this share of the newer one's days is common. A
# change of a parameter must not make a worn holdout new; a week of fresh days in three should.
SAME_SHARE = 0.5


@dataclass(frozen=True)
class Asked:
    """A holdout, by the digest of its rows and, with a time column, its first and last day."""

    digest: str
    first: str | None = None
    last: str | None = None


def note(engine: sa.Engine, run: str, model: str, asked: Asked) -> None:
    """Write that a run has asked; a run asks once, however often it is killed and goes on."""
    with engine.begin() as connection:
        known = sa.select(questions.c.run).where(questions.c.run == run)
        if connection.execute(known).one_or_none() is None:
            values = {"run": run, "model": model, "at": clock.now(), **asdict(asked)}
            connection.execute(questions.insert().values(**values))


def times_asked(engine: sa.Engine, model: str, asked: Asked, *, but: str) -> int:
    """How many other runs of the model have asked the same holdout."""
    query = questions.select().where((questions.c.model == model) & (questions.c.run != but))
    with engine.connect() as connection:
        earlier = [
            Asked(row.digest, row.first, row.last) for row in connection.execute(query).all()
        ]
    return sum(is_same(asked, other) for other in earlier)


def is_same(asked: Asked, earlier: Asked) -> bool:
    """Whether two holdouts are the same for the purpose of counting."""
    if asked.digest == earlier.digest:
        return True
    if not (asked.first and asked.last and earlier.first and earlier.last):
        return False
    first = max(date.fromisoformat(asked.first), date.fromisoformat(earlier.first))
    last = min(date.fromisoformat(asked.last), date.fromisoformat(earlier.last))
    length = (date.fromisoformat(asked.last) - date.fromisoformat(asked.first)).days + 1
    return ((last - first).days + 1) / length >= SAME_SHARE
