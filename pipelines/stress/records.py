"""What is kept of each request: a fixed number of bytes, appended to a file as it happens."""

from __future__ import annotations

import struct
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Ending(IntEnum):
    """How a request ended."""

    ANSWERED = 0
    REFUSED = 1
    NO_ANSWER = 2
    WRONG = 3
    NOT_SENT = 4


# What a person reads for each of them.
WORDS = {
    Ending.ANSWERED: "answered",
    Ending.REFUSED: "refused, with a status other than 200",
    Ending.NO_ANSWER: "no answer: connection lost, or out of time",
    Ending.WRONG: "answered wrongly: not what training answered, or another version",
    Ending.NOT_SENT: "never sent: all connections were busy for as long as a client waits",
}

# Seconds from the first arrival after the warm-up; the arithmetic of latencies needs no clock.
RECORD = np.dtype(
    [
        ("due", "<f8"),
        ("sent", "<f8"),
        ("done", "<f8"),
        ("status", "<u2"),
        ("ending", "u1"),
        ("was_awaited", "?"),
    ]
)
_PACKED = struct.Struct("<dddHB?")
assert _PACKED.size == RECORD.itemsize
Records = NDArray[Any]


def pack(
    due: float, sent: float, done: float, status: int, ending: Ending, was_awaited: bool
) -> bytes:
    """One record.

    Args:
        due: when the request arrived, which is what its latency counts from.
        sent: when a connection was free for it.
        done: when its answer was read, or given up.
        status: of HTTP; 0 without one.
        ending: how it ended.
        was_awaited: whether a free connection waited for it to be due; then `sent` later than
            `due` is the generator's own delay.
    """
    return _PACKED.pack(due, sent, done, status, ending, was_awaited)


def read(path: Path) -> Records:
    """All whole records of a file, in the order in which requests ended."""
    content = path.read_bytes()
    whole = len(content) - len(content) % RECORD.itemsize
    return np.frombuffer(content[:whole], dtype=RECORD)


def count(path: Path) -> int:
    """How many whole records a file has so far; none, when there is no file yet."""
    return path.stat().st_size // RECORD.itemsize if path.exists() else 0
