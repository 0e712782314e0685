"""One at a time, between processes: a lock that the kernel gives back when its holder dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.errors import BusyError

_POLL_SECONDS = 0.02


@contextmanager
def held(path: Path, wait_seconds: float) -> Iterator[None]:
    """Hold the lock of a file for the block; it is not for threads of one process to nest.

    Raises:
        BusyError: another process held it all the while.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _take(descriptor, path, time.monotonic() + wait_seconds)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, path: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                raise BusyError(
                    "somebody else brings the stack in line just now",
                    where=str(path),
                    next_step=f"run the same command again; `fuser {path}` names who holds it",
                ) from error
            time.sleep(_POLL_SECONDS)
        else:
            return
