"""Reads the clocks of this machine."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import psutil

from pipelines.rollout.instant import Instant

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def read() -> Instant:
    """Now. On Linux `uptime` goes on while the machine is suspended, as a deadline does."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    uptime = time.monotonic() if boottime is None else time.clock_gettime(boottime)
    return Instant(time.time(), uptime, socket.gethostname(), _boot())


def _boot() -> str:
    if _BOOT_ID.exists():
        return _BOOT_ID.read_text(encoding="ascii").strip()
    # Elsewhere the time of the start is derived from the wall clock. Once that was set, this is
    # another boot, and the wall clock decides: the deadline is then as good as the clock is.
    return str(round(psutil.boot_time()))
