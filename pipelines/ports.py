"""Ports of the loopback interface.

None are among those that Linux (32768) and macOS (49152) give to outgoing connections: one of these
could take the port of a server that is about to listen there.
"""

from __future__ import annotations

import itertools
import random
import socket

from pipelines.errors import FleetError

LOOPBACK = "127.0.0.1"
# Beside those of the fleet (`pipelines.fleet.ports`), which it keeps.
FIRST, LAST = 10000, 20000

# Every process has a beginning of its own and never offers a port twice, so that two that look at
# the same time do not find the same one.
_OFFSETS = itertools.count(random.SystemRandom().randrange(LAST - FIRST))


def is_free(port: int) -> bool:
    """Whether nobody listens on a port."""
    with socket.socket() as probe:
        # What a server that ended leaves in TIME_WAIT is no obstacle for the next.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port that nobody listens on; raises as `free_ports`."""
    [port] = free_ports(1)
    return port


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, all different.

    Raises:
        FleetError: there are not so many.
    """
    found: list[int] = []
    for offset in itertools.islice(_OFFSETS, LAST - FIRST):
        if len(found) == count:
            break
        port = FIRST + offset % (LAST - FIRST)
        if is_free(port):
            found.append(port)
    if len(found) < count:
        raise FleetError(
            f"fewer than {count} free ports between {FIRST} and {LAST}",
            where=LOOPBACK,
            next_step="end what holds them (`ss -tlnp`)",
        )
    return found
