"""What a request brings beside its rows: who it is, and whether its answer reaches anybody."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable
from typing import Literal, NamedTuple

Door = Literal["predict", "rest", "grpc"]

REQUEST_ID = b"x-request-id"
MODEL_VERSION = b"x-model-version"
SHADOW = b"x-evergreen-shadow"
# Envoy marks the host of a mirrored request so.
_SHADOW_HOST = re.compile(rb"-shadow(:\d+)?$")
_ID = re.compile(rb"[!-~]{1,128}")


class Asked(NamedTuple):
    """A request as it came.

    Attributes:
        request_id: from `x-request-id`, or a new one; the key that feedback comes back with.
        is_shadow: whether it is the copy of a request that another version answers.
        door: which way it came in.
        arrived_ns: unix time in nanoseconds.
        started_ns: of the monotonic clock, to take latencies from.
    """

    request_id: str
    is_shadow: bool
    door: Door
    arrived_ns: int
    started_ns: int


def asked(door: Door, headers: Iterable[tuple[bytes, bytes]]) -> Asked:
    """Read the headers of a request, or the metadata of a call.

    A request id that is too long or not of visible ASCII is replaced: it goes into logs and
    headers, and a client that cannot keep to that must not fail for it.
    """
    found, is_shadow = None, False
    for name, value in headers:
        if name == REQUEST_ID:
            found = value if _ID.fullmatch(value) else None
        elif name == SHADOW:
            is_shadow = True
        elif name in (b"host", b":authority"):
            is_shadow = is_shadow or _SHADOW_HOST.search(value) is not None
    request_id = found.decode() if found else os.urandom(16).hex()
    return Asked(request_id, is_shadow, door, time.time_ns(), time.monotonic_ns())
