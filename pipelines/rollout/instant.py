"""A moment by two clocks, so that deadlines survive one of them being set."""

from __future__ import annotations

import math

import msgspec

from pipelines.errors import RolloutError


class Instant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When something is.

    Attributes:
        wall: seconds since 1970, by a clock that people and NTP may set.
        uptime: seconds since the machine started, by one that nobody can.
        host: the machine.
        boot: which of its starts `uptime` counts from.
    """

    wall: float
    uptime: float
    host: str
    boot: str

    def __post_init__(self) -> None:
        if not (math.isfinite(self.wall) and math.isfinite(self.uptime) and self.uptime >= 0):
            raise RolloutError(
                f"{self.wall} and {self.uptime} are no time",
                where="clock",
                next_step="look at the clock of this machine (`date`)",
            )


def seconds_between(earlier: Instant, later: Instant) -> float:
    """How long it took from one moment to another, never less than nothing.

    On one boot the uptime tells, whatever happened to the wall clock. After a restart, or on
    another machine, the wall clock has to; should it have been set back, a machine that was
    started again since `earlier` has at least been up for its uptime.
    """
    if (earlier.host, earlier.boot) == (later.host, later.boot):
        return max(later.uptime - earlier.uptime, 0.0)
    at_least = later.uptime if earlier.host == later.host else 0.0
    return max(later.wall - earlier.wall, at_least)
