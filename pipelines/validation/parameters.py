"""What a rule may say instead of a value: `{$PARAMETER: freshest}`."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from pipelines.errors import SettingsError
from pipelines.settings import ModelSettings

_KEY = "$PARAMETER"
_NEEDS = {
    "window_start": "ingest.since",
    "window_end": "ingest.until",
    "freshest": "ingest.until",
}


def window(settings: ModelSettings) -> dict[str, str]:
    """The parameters as ISO 8601 days: those that the window of the settings defines.

    `window_start` is the first day of `since`, `window_end` the last day of `until`, `freshest`
    lies `freshness_days` before that: the newest row must not be older.
    """
    values = {}
    if settings.ingest.since:
        values["window_start"] = f"{settings.ingest.since}-01"
    if settings.ingest.until:
        year, month = map(int, settings.ingest.until.split("-"))
        end = date(year, month, monthrange(year, month)[1])
        values["window_end"] = end.isoformat()
        newest = end - timedelta(days=settings.validate_.freshness_days)
        values["freshest"] = newest.isoformat()
    return values


def fill(content: Any, values: Mapping[str, str], *, where: str) -> Any:
    """The content with every `{$PARAMETER: name}` in it replaced.

    Raises:
        SettingsError: there is no such parameter, or the settings do not define it. A rule that
            cannot be asked does not count as held.
    """
    if isinstance(content, list):
        return [fill(item, values, where=where) for item in content]
    if not isinstance(content, dict):
        return content
    if _KEY not in content:
        return {key: fill(item, values, where=where) for key, item in content.items()}
    name = content[_KEY]
    if name not in _NEEDS:
        raise SettingsError(
            f"unknown parameter {name!r}; allowed: {', '.join(_NEEDS)}",
            where=where,
            next_step="use one of these, or write the value itself",
        )
    if name not in values:
        raise SettingsError(
            f"the parameter {name} is not defined, because {_NEEDS[name]} is not set",
            where=where,
            next_step=f"set {_NEEDS[name]} in params.yaml, or take the rule out",
        )
    return values[name]
