"""Telling the gateway what the state store says now."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from pipelines import gateway
from pipelines.fleet import ports
from pipelines.fleet.locks import held
from pipelines.gateway.table import Table
from pipelines.stack import applied, faults, servers
from pipelines.stack.applied import Applied
from pipelines.stack.desired import Wanted
from pipelines.stack.reading import Stack
from pipelines.stack.tables import Seen, table

# Whoever holds it only reads, asks servers and swaps files.
LOCK_SECONDS = 15.0


@dataclass(frozen=True)
class Routed:
    """What was told, and on which grounds."""

    wanted: tuple[Wanted, ...]
    seen: Seen
    table: Table
    applied: Applied


def route(stack: Stack) -> Routed:
    """Read the state, and have the gateway take what follows from it for the servers there are.

    Reading and telling are one step for all who do so: of two callers, the one that tells last has
    read last.

    Raises:
        GatewayError: the gateway does not take it; nothing is changed then.
        StateError: the ledger cannot be read.
        BusyError: somebody else is telling all the while.
    """
    with routes_lock(stack):
        return _route(stack)


def routes_lock(stack: Stack) -> AbstractContextManager[None]:
    """Held by whoever reads what is wanted and acts on it."""
    return held(stack.home.fleet / "routes.lock", LOCK_SECONDS)


def _route(stack: Stack) -> Routed:
    models = tuple(stack.wanted())
    before = applied.read(stack.home)
    listening = servers.listening(ports.read(stack.fleet.places.ports))
    told_by = servers.asked(servers.all_of(listening, before.upstreams))
    ready = frozenset(place for (_, place), why in told_by.items() if why is None)
    unready = {place: why for (_, place), why in told_by.items() if why is not None}
    seen = Seen(listening, before.upstreams, ready, before.champion, unready)
    now = time.time()
    if not stack.home.gateway.is_dir():  # there was no `evergreen up` yet
        return Routed(models, seen, Table(), applied.NOTHING)
    told = table(models, seen, stack.settings, faults.planted(stack.home, now))
    generation = gateway.apply(stack.home.gateway, told, now)
    taken = applied.of(told, generation)
    if taken != before:
        applied.write(taken, stack.home)
    return Routed(models, seen, told, taken)


def problems(routed: Routed, listed: Mapping[str, str]) -> dict[str, str]:
    """By version (or model), why something is not as the store says.

    Args:
        routed: what was told.
        listed: by version, what Supervisor says of servers that are not up.
    """
    found: dict[str, str] = {}
    for model in routed.wanted:
        found |= model.problems
        for version in model.versions:
            if not routed.seen.answers(version):
                said = listed.get(version, "Supervisor runs no server of it")
                found[version] = "; ".join([said, *_reasons(version, routed.seen)])
    return found


def _reasons(version: str, seen: Seen) -> list[str]:
    """What each server of a version said, or did not."""
    places = seen.listening.get(version, ())
    return list(dict.fromkeys(seen.unready[each] for each in places if each in seen.unready))
