"""Who is told when something needs a person, and of what."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pipelines.settings.fields import Hours, Minutes, Section

Severity = Literal["info", "warning", "critical"]
AlertKind = Literal[
    "alarm",
    "approval",
    "breaker",
    "broken_run",
    "dead_run",
    "paused",
    "promoted",
    "quarantine",
    "refused",
    "rolled_back",
    "rollout_ended",
    "silent_monitor",
    "skew",
    "unreadable",
    "unwatched",
    "waiting_trigger",
]
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*", re.ASCII)


def _variable(value: str) -> str:
    # Never the value itself in a message: somebody may have put an address here.
    if not _VARIABLE.fullmatch(value):
        raise ValueError(
            "is no name of an environment variable; addresses hold secrets, so that only the name "
            "of the variable that holds them belongs here: EVERGREEN_ALERT_URLS"
        )
    return value


VariableName = Annotated[str, AfterValidator(_variable)]


class AlertSettings(Section):
    """Messages to people, by the URLs of Apprise.

    The URLs are in the environment variable `urls_from`, or in a file that the variable of the same
    name with `_FILE` behind it names; without them nobody is told. Of the `kinds`, those from
    `least` on are sent. What happened is told once, and only within `news_hours`; what lasts is
    told again after `repeat_hours`. Each address has `timeout_seconds` to take a message. While the
    stack is up somebody looks every `look_seconds`.
    """

    urls_from: VariableName = "EVERGREEN_ALERT_URLS"
    least: Severity = "warning"
    kinds: Literal["all"] | tuple[AlertKind, ...] = "all"
    news_hours: Hours = 24.0
    repeat_hours: Hours = 12.0
    unwatched_minutes: Minutes = 5.0
    approval_minutes: Minutes = 15.0
    trigger_hours: Hours = 48.0
    look_seconds: Annotated[float, Field(gt=0)] = 60.0
    timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 10.0
