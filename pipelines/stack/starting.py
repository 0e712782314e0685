"""`up`: from nothing, or from whatever is left, to a stack that answers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines import gateway
from pipelines.errors import GatewayError
from pipelines.fleet import layout
from pipelines.fleet.fleet import Fleet
from pipelines.fleet.layout import Layout
from pipelines.fleet.locks import held
from pipelines.fleet.program import Program
from pipelines.paths import home
from pipelines.stack import programs, secured, waiting
from pipelines.stack.reading import Stack
from pipelines.stack.reconcile import LOCK_SECONDS, Reconciled, reconcile

DRAIN_SECONDS = 2.0


@dataclass(frozen=True)
class Up:
    """What came of `up`.

    Attributes:
        address: of the gateway.
        is_protected: whether anybody is refused at all.
        changed: the programs that were started for it; none if all ran already.
        never_live: models of which no version was ever promoted.
        reconciled: the versions and their routes.
    """

    address: str
    is_protected: bool
    changed: tuple[str, ...]
    never_live: tuple[str, ...]
    reconciled: Reconciled


def up(root: Path, more: Sequence[Program] = (), wait_seconds: float | None = None) -> Up:
    """Have Supervisor, token endpoint, gateway, all servers, and `more` running and ready.

    What runs as it should is left alone: a second call changes nothing.

    Args:
        root: the project.
        more: other programs.
        wait_seconds: how long servers that start are waited for; see `reconcile`.

    Raises:
        GatewayError: Envoy is not there, does not take its configuration, or does not answer.
        IdentityError: a key or certificate cannot be made or used.
        FleetError, BusyError, SettingsError, StateError: as `reconcile` does.
    """
    stack = Stack.at(root)
    layout.make(stack.fleet.places)
    security = secured.secure(stack.settings, stack.home, time.time())
    argv = gateway.prepare(stack.home.gateway, stack.settings, security)
    has_tokens = secured.has_endpoint(stack.settings)
    first = [programs.tokens(root, stack.home)] if has_tokens else []
    with held(stack.fleet.places.lock, LOCK_SECONDS):
        is_new = stack.fleet.start()
        before = frozenset(each.program for each in stack.fleet.processes())
        changed = _ensure(stack, [*first, *more])
        _end_what_is_off(stack, {each.name for each in (*first, *more)})
    # The files of the gateway are right before it starts, and it starts before any slow server.
    reconcile(root, wait_seconds=0.0)
    with held(stack.fleet.places.lock, LOCK_SECONDS):
        changed += _ensure(stack, [programs.gateway(root, stack.home, argv)])
    waiting.for_gateway(stack)
    if has_tokens:
        waiting.for_tokens(stack)
    found = reconcile(root, wait_seconds=wait_seconds)
    waiting.for_servers(stack, found.ready)
    started = {each.program for each in stack.fleet.processes()} - before - set(changed)
    return Up(
        address=secured.public_url(stack.settings),
        is_protected=security.is_on,
        changed=(*(["supervisor"] if is_new else []), *changed, *sorted(started)),
        never_live=tuple(sorted(set(stack.settings.models) - {w.model for w in stack.wanted()})),
        reconciled=found,
    )


def up_beside_cluster(root: Path, more: Sequence[Program]) -> tuple[str, ...]:
    """Have only these programs running, for a project whose gateway and servers are in a cluster.

    What an earlier `up` started for a gateway of this machine ends.

    Args:
        root: the project.
        more: the programs.

    Returns:
        Those that were started for it.

    Raises:
        FleetError, BusyError: as `reconcile` does.
    """
    places = home(root)
    fleet = Fleet(Layout.of(places))
    layout.make(fleet.places)
    with held(fleet.places.lock, LOCK_SECONDS):
        wanted = {program.name for program in more}
        gone = {each.program for each in fleet.processes()} - wanted
        if programs.GATEWAY in gone:
            _drain(places.gateway)
        for names in programs.waves(gone):
            fleet.stop(names)
        if not more:
            fleet.end()
            return ()
        fleet.start()
        return _ensured(fleet, more)


def down(root: Path) -> bool:
    """End everything, what is being answered first; whether there was anything to end.

    Raises:
        FleetError: something does not end.
        BusyError: somebody else starts or ends processes all the while.
    """
    # Neither params.yaml nor the state store: a stack can be ended when both are broken.
    places = home(root)
    fleet = Fleet(Layout.of(places))
    layout.make(fleet.places)
    with held(fleet.places.lock, LOCK_SECONDS):
        was_up = fleet.is_up() or bool(fleet.orphans())
        _drain(places.gateway)
        for names in programs.waves({each.program for each in fleet.processes()}):
            fleet.stop(names)
        fleet.end()
    return was_up


def _ensure(stack: Stack, wanted: Sequence[Program]) -> tuple[str, ...]:
    gateways = [each for each in wanted if each.name == programs.GATEWAY]
    if any(not stack.fleet.has(each) for each in gateways):
        _drain(stack.home.gateway)
    return _ensured(stack.fleet, wanted)


def _ensured(fleet: Fleet, wanted: Sequence[Program]) -> tuple[str, ...]:
    """Have programs running that listen where they are known to: whoever is there goes first."""
    changed = []
    for program in wanted:
        fleet.end_orphans([program.name])
        if fleet.ensure(program):
            changed.append(program.name)
    return tuple(changed)


def _drain(folder: Path) -> None:
    """Let what is being answered end; a gateway that does not answer has nothing to lose."""
    if folder.is_dir():
        try:
            gateway.drain(folder, DRAIN_SECONDS)
        except GatewayError:
            return


def _end_what_is_off(stack: Stack, wanted: set[str]) -> None:
    """A token endpoint that params.yaml wants no more would hand out tokens still."""
    listed = {each.program for each in stack.fleet.processes()}
    stack.fleet.stop(sorted((programs.OPTIONAL & listed) - wanted))
