"""What is wrong with a log, said in the server's own log: when it changes, not for each request."""

from __future__ import annotations

import logging
import time

from pipelines.errors import LogError

_LOGGER = logging.getLogger(__name__)
# Between two lines that something is wrong: a disk with little room takes one write and refuses
# the next, many times a second.
QUIET_SECONDS = 60.0


class Trouble:
    """Of one part of a log; for one thread at a time.

    Attributes:
        problem: what went wrong the last time; None if nothing did.
    """

    def __init__(self) -> None:
        self.problem: str | None = None
        self._told: LogError | None = None
        self._quiet_until = 0.0

    def see(self, error: LogError | None) -> None:
        """Note how it went this time, and say so if that is news."""
        self.problem = None if error is None else error.problem
        told, now = self._told, time.monotonic()
        if error is None:
            if told is not None:
                _LOGGER.warning("%s: all is well again, after: %s", told.where, told.problem)
                self._told = None
        elif (told is None or told.problem != error.problem) and now >= self._quiet_until:
            _LOGGER.error("%s", error)
            self._told = error
            self._quiet_until = now + QUIET_SECONDS
