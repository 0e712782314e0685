"""One at a time: who writes the gateway's files waits for whoever does already."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.errors import BusyError
from pipelines.gateway.names import LOCK_FILE

PATIENCE_SECONDS = 30.0
_LOOK_EVERY_SECONDS = 0.01


@contextmanager
def locked(folder: Path, patience_seconds: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Hold the lock of a folder; the system lets go of it when a process dies.

    Raises:
        BusyError: somebody else still had it after `patience_seconds`.
    """
    path = folder / LOCK_FILE
    with path.open("a") as file:
        deadline = time.monotonic() + patience_seconds
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise BusyError(
                        f"the gateway is being changed by somebody else for {patience_seconds:g} s",
                        where=str(path),
                        next_step="look for another `evergreen` that hangs, and try again",
                    ) from None
            time.sleep(_LOOK_EVERY_SECONDS)
        yield
