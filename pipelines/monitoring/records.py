"""The windows that were looked at, in the state store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from pipelines.monitoring.action import Action
from pipelines.monitoring.evidence import Past
from pipelines.monitoring.labelled import OfWindow
from pipelines.monitoring.quality import Watch
from pipelines.monitoring.spans import Window
from pipelines.state.store import windows
from pipelines.verdicts import Outcome, Verdict


@dataclass(frozen=True)
class Record:
    """What came of a look at a window.

    Attributes:
        window: which.
        key: of the look, see `Window.key`.
        at: when it was looked at.
        rows: answers in it.
        verdict, action: what was found, and what follows.
        past: what later looks need to know; None of a window that could not be compared.
        watch: how far the labelled loss was followed; None where no labels are expected.
        report: the page of an alarm.
    """

    window: Window
    key: str
    at: datetime
    rows: int
    verdict: Verdict
    action: Action
    past: Past | None
    watch: Watch | None
    report: str | None = None

    @property
    def is_settled(self) -> bool:
        """Whether there is no use in looking again: what could not be told may be told later."""
        return self.verdict.outcome in (Outcome.PASSED, Outcome.FAILED)

    @property
    def labels(self) -> OfWindow | None:
        """What labels there were of the window; None where none are expected or it was not read."""
        found = self.verdict.evidence.get("labels")
        return None if found is None else OfWindow(*(found[name] for name in OfWindow._fields))

    def to_json(self) -> dict[str, Any]:
        return {
            **self.window.to_json(),
            "key": self.key,
            "at": self.at.isoformat(),
            "rows": self.rows,
            "labels": None if self.labels is None else self.labels.to_json(),
            "action": self.action.value,
            "verdict": self.verdict.to_json(),
            "report": self.report,
        }


def save(engine: sa.Engine, record: Record) -> None:
    """Write what came of a look; of a second one at the same window that is what counts."""
    values = {
        "model": record.window.model,
        "version": record.window.version,
        "since": record.window.since.timestamp(),
        "until": record.window.until.timestamp(),
        "at": record.at.timestamp(),
        "rows": record.rows,
        "outcome": record.verdict.outcome.value,
        "action": record.action.value,
        "verdict": record.verdict.to_json(),
        "past": record.past.to_json() if record.past else None,
        "watch": record.watch.to_json() if record.watch else None,
        "report": record.report,
    }
    changed = windows.update().where(windows.c.key == record.key).values(**values)
    with engine.begin() as connection:
        if connection.execute(changed).rowcount:
            return
        try:
            with connection.begin_nested():
                connection.execute(windows.insert().values(key=record.key, **values))
        except sa.exc.IntegrityError:
            # Another monitor looked at the same window meanwhile, and was told the same.
            connection.execute(changed)


def latest(engine: sa.Engine, model: str, most: int, version: str | None = None) -> list[Record]:
    """The newest windows of a model, or of one of its versions, the newest first."""
    query = windows.select().where(windows.c.model == model)
    if version is not None:
        query = query.where(windows.c.version == version)
    ordered = query.order_by(windows.c.until.desc(), windows.c.at.desc()).limit(most)
    with engine.connect() as connection:
        return [_read(row) for row in connection.execute(ordered).mappings()]


def quarantined(engine: sa.Engine, model: str, since: datetime, until: datetime) -> list[Window]:
    """The windows of broken data that overlap a stretch of time, for whoever trains on it."""
    query = windows.select().where(
        (windows.c.model == model)
        & (windows.c.action == Action.QUARANTINE.value)
        & (windows.c.since < until.timestamp())
        & (windows.c.until > since.timestamp())
    )
    with engine.connect() as connection:
        rows = connection.execute(query.order_by(windows.c.since)).mappings().all()
    return [_read(row).window for row in rows]


def _read(row: Mapping[Any, Any]) -> Record:
    until = _time(row["until"])
    return Record(
        window=Window(row["model"], row["version"], _time(row["since"]), until),
        key=row["key"],
        at=_time(row["at"]),
        rows=row["rows"],
        verdict=Verdict.from_json(row["verdict"]),
        action=Action(row["action"]),
        past=None if row["past"] is None else Past.from_json(until, row["past"]),
        watch=None if row["watch"] is None else Watch.from_json(row["watch"]),
        report=row["report"],
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
