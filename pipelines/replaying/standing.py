"""Where a replay stands, on disk: so that it goes on after a kill, and others know its time."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pipelines.errors import StateError
from pipelines.files import read_json, write_json
from pipelines.replaying.schedule import Asked, Told, last_whole_month


@dataclass(frozen=True)
class Standing:
    """How far a replay came.

    Attributes:
        first, last: its months, as 2013-04.
        delay_hours: how long the truth of a row takes.
        most_rows: of a request; another number would be other requests.
        asked, told: how many requests, and labels of requests, were sent.
        refused: how many requests the server would not answer.
        at: the time of the data, ISO 8601; None before the first request.
    """

    first: str
    last: str
    delay_hours: float
    most_rows: int
    asked: int = 0
    told: int = 0
    refused: int = 0
    at: str | None = None

    def after(self, sent: Asked | Told, *, is_refused: bool) -> Standing:
        """The standing when this was sent, too."""
        now = replace(self, at=sent.at.isoformat(), refused=self.refused + is_refused)
        if isinstance(sent, Asked):
            return replace(now, asked=self.asked + 1)
        return replace(now, told=self.told + 1)

    def is_of(self, other: Standing) -> bool:
        """Whether both send the same in the same order."""
        return replace(other, asked=0, told=0, refused=0, at=None) == replace(
            self, asked=0, told=0, refused=0, at=None
        )

    @property
    def month(self) -> str | None:
        """The last month of which everything is known by now; None before the first is."""
        if self.at is None:
            return None
        known = datetime.fromisoformat(self.at) - timedelta(hours=self.delay_hours)
        month = last_whole_month(known)
        return month if month >= self.first else None


def read(path: Path) -> Standing | None:
    """What `write` wrote; None if there is no replay.

    Raises:
        StateError: it is damaged. Begun anew, it would send a second time what it has sent.
    """
    if not path.exists():
        return None
    try:
        content: dict[str, Any] = read_json(path)
        found = Standing(**content)
        if found.at is not None:
            datetime.fromisoformat(found.at)
    except (OSError, ValueError, TypeError) as error:
        raise StateError(
            f"cannot be read as the standing of a replay: {error}",
            where=str(path),
            next_step="remove it and replay from the first month",
        ) from error
    return found


def write(standing: Standing, path: Path) -> None:
    """Write it, whole."""
    write_json(asdict(standing), path)
