"""Which ports a server listens on: chosen once, and kept while they can be had."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from pipelines.errors import FleetError
from pipelines.files import write_json

# Below the ports that Linux (32768) and macOS (49152) give to outgoing connections: one of those
# could take the port of a server while it restarts.
FIRST, LAST = 20000, 32000

Pair = tuple[int, int]


def choose(name: str, taken: Collection[int], is_free: Callable[[int], bool]) -> Pair:
    """Two ports for a program, HTTP and gRPC.

    Args:
        name: of the program; different names begin to look in different places.
        taken: ports of this fleet.
        is_free: whether nobody listens on a port.

    Raises:
        FleetError: there are no two left.
    """
    count = LAST - FIRST
    start = zlib.crc32(name.encode()) % count
    found: list[int] = []
    for step in range(count):
        port = FIRST + (start + step) % count
        if port not in taken and is_free(port):
            found.append(port)
        if len(found) == 2:
            return found[0], found[1]
    raise FleetError(
        f"no two free ports between {FIRST} and {LAST}",
        where=name,
        next_step="end what holds them (`ss -tlnp`)",
    )


def read(path: Path) -> dict[str, Pair]:
    """The ports of every program; none if nothing, or nothing readable, is written.

    A lost book costs new ports, no more.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): (int(first), int(second)) for name, (first, second) in content.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def write(path: Path, book: Mapping[str, Pair]) -> None:
    """Write the ports of every program, whole."""
    write_json({name: list(pair) for name, pair in sorted(book.items())}, path)
