"""Which stretches of time are looked at, each exactly once."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pipelines.settings import MonitorSettings

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Window:
    """Answers of one version with `since <= time < until`, both UTC."""

    model: str
    version: str
    since: datetime
    until: datetime

    def key(self, settings: MonitorSettings) -> str:
        """What a look at this window is known by: the same look asks for one retrain at most.

        SHA-256 over model, version, window and the settings of the detectors, in hexadecimal.
        """
        said = {**self.to_json(), "settings": settings.model_dump(mode="json")}
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    def to_json(self) -> dict[str, str]:
        return {
            "model": self.model,
            "version": self.version,
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
        }

    def __str__(self) -> str:
        return f"{self.since:%Y-%m-%d %H:%M:%S} to {self.until:%Y-%m-%d %H:%M:%S} UTC"


def due(
    live_since: datetime, last_until: datetime | None, now: datetime, hours: float, most: int
) -> list[tuple[datetime, datetime]]:
    """The windows of so many hours that are over and were not looked at, the oldest first.

    They lie on a fixed grid, so that whoever asks, and however late, gets the same ones.

    Args:
        live_since: when the version went live; a window that ended before holds nothing of it.
        last_until: the end of the last window that was looked at, if any.
        now: the end of time.
        hours: the length of a window.
        most: the newest so many; older ones have no say any more.
    """
    length = timedelta(hours=hours)
    end = _EPOCH + (now - _EPOCH) // length * length
    found: list[tuple[datetime, datetime]] = []
    while len(found) < most and end > live_since and (last_until is None or end > last_until):
        found.append((end - length, end))
        end -= length
    return found[::-1]
