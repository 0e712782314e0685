"""Clusters that no route leads to any more, kept until requests on their way have ended.

A request that fails is tried again by the chain that was chosen when it came. Without its chain and
the clusters in it, a try that ends a moment after a rollback has nowhere left to go, and the client
gets the error.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from pathlib import Path

from pipelines import files
from pipelines.gateway.dynamic import Discovery
from pipelines.gateway.names import LINGERING_FILE
from pipelines.gateway.table import Table

# For a table without models, whose routes are all gone.
_LONGEST_SECONDS = 15.0
_SLACK_SECONDS = 1.0

Until = Mapping[str, float]


def read(folder: Path) -> dict[str, float]:
    """Until when each name is kept, unix seconds.

    Nothing if the file is missing or not readable: what it names is then taken as just left over,
    and kept once more.
    """
    try:
        content = files.read_json(folder / LINGERING_FILE)
        found = {str(name): float(until) for name, until in content.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
    return {name: until for name, until in found.items() if math.isfinite(until)}


def write(until: Until, folder: Path) -> None:
    """Write it whole, unless it says this already."""
    if read(folder) != until:
        files.write_json(dict(until), folder / LINGERING_FILE)


def following(
    known: Until, present: Collection[str], wanted: Collection[str], now: float, seconds: float
) -> dict[str, float]:
    """Until when each name is kept from now on.

    Args:
        known: as `read` gave it.
        present: what Envoy has.
        wanted: what the next table needs.
        now: unix seconds.
        seconds: the most that a request may take.
    """
    left = set(present) - set(wanted)
    # A clock that was set back must not keep anything for years.
    until = {name: min(known.get(name, now + seconds), now + seconds) for name in left}
    return {name: moment for name, moment in sorted(until.items()) if moment > now}


def most_seconds(table: Table) -> float:
    """How long a request may be on its way."""
    longest = max((model.timeout_seconds for model in table.models), default=_LONGEST_SECONDS)
    return longest + _SLACK_SECONDS


def without(discovery: Discovery, names: Collection[str]) -> Discovery:
    """The same without the resources of these names."""
    kept = [each for each in discovery.resources if str(each["name"]) not in names]
    return Discovery(discovery.generation, kept)


def only(discovery: Discovery | None, names: Collection[str]) -> Discovery | None:
    """The resources of these names; None if there is none of them."""
    kept = [each for each in (discovery.resources if discovery else []) if each["name"] in names]
    return Discovery(discovery.generation, kept) if discovery and kept else None


def names_of(discovery: Discovery | None) -> set[str]:
    """What the resources are called."""
    return {str(each["name"]) for each in (discovery.resources if discovery else [])}
