"""Waiting for what comes about by itself, with a patience that a busy machine does not use up."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_SECONDS = 90.0


def until(
    is_so: Callable[[], object], seconds: float = PATIENCE_SECONDS, every: float = 0.02
) -> None:
    """Wait until something is so; fails when it is not in `seconds`."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(every)
