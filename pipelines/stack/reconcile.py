"""Bringing processes and routes in line with the state store."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.fleet import ports
from pipelines.fleet.locks import held
from pipelines.fleet.remote import ProcessState
from pipelines.stack import applied, secured, servers
from pipelines.stack.desired import Wanted
from pipelines.stack.reading import Stack
from pipelines.stack.route import Routed, problems, route, routes_lock

# Longer than somebody else waits for servers that do not come.
LOCK_SECONDS = 180.0
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Reconciled:
    """What is true after a reconciliation.

    Attributes:
        is_up: whether Supervisor runs; if not, no process was started or ended.
        running: the versions whose servers should run, and are watched.
        ready: those that answer and that the gateway knows.
        weights: by model, percent of the requests by version.
        mirror: by model, who answers copies.
        generation: the gateway's number of these routes.
        problems: by version (or model), why it is not as the store says.
    """

    is_up: bool
    running: frozenset[str]
    ready: frozenset[str]
    weights: Mapping[str, Mapping[str, int]]
    mirror: Mapping[str, str | None]
    generation: int
    problems: Mapping[str, str] = field(default_factory=dict)


def reconcile(
    root: Path, *, wait_seconds: float | None = None, lock_seconds: float | None = None
) -> Reconciled:
    """Start what should run, tell the gateway of what is ready, end what nothing is sent to.

    It may be called by anybody, at any moment, and twice. A version that does not become ready
    gets no requests and harms no other. While Supervisor is down no process is started or ended.

    Args:
        root: the project.
        wait_seconds: how long servers that start are waited for; by default as long as the
            `fleet.start_seconds` of their models.
        lock_seconds: how long somebody else who reconciles is waited for; three minutes by default.

    Raises:
        BusyError: somebody else reconciles all the while.
        GatewayError: the gateway does not take the routes; nothing is ended then.
        FleetError: Supervisor does not do as it is asked.
        SettingsError, StateError: params.yaml or the state store cannot be read.
    """
    stack = Stack.at(root)
    patience = LOCK_SECONDS if lock_seconds is None else lock_seconds
    with held(stack.fleet.places.lock, patience):
        if not stack.fleet.is_up():
            return _reconciled(stack, route(stack))
        wanted = stack.wanted()
        if _start(stack, wanted):
            # Who is ready already must not wait for who is not.
            route(stack)
        _wait(stack, wanted, wait_seconds)
        routed = route(stack)
        _end_unneeded(stack, routed)
        return _reconciled(stack, routed)


def reroute(root: Path) -> Reconciled:
    """Tell the gateway what the state store says, for the servers that are ready already.

    Nothing is started, ended or waited for: this is what a rollback is made of.

    Raises:
        BusyError, GatewayError, SettingsError, StateError: as `reconcile` does.
    """
    stack = Stack.at(root)
    return _reconciled(stack, route(stack))


def _start(stack: Stack, wanted: list[Wanted]) -> bool:
    """Have the servers of every version running; whether something was started for that."""
    is_changed, told = False, secured.server_environment(stack.settings, stack.home)
    for model in wanted:
        replicas = stack.settings.fleet(model.model).replicas
        for version in model.versions:
            names = servers.names(version, replicas)
            book = ports.read(stack.fleet.places.ports)
            known = {name for name in book if servers.version_of(name) == version}
            stack.fleet.forget_ports(known - set(names))
            for name, pair in stack.fleet.pairs(names).items():
                program = servers.program(stack.root, stack.home, name, pair, told)
                is_changed = stack.fleet.ensure(program) or is_changed
    return is_changed


def _wait(stack: Stack, wanted: list[Wanted], wait_seconds: float | None) -> None:
    """Until all servers are ready, or time is up; what is not ready by then is no error here.

    By default a version is waited for until `fleet.start_seconds` after it was first to run: one
    that never comes must not hold up every later call.
    """
    begun = time.time()
    until = {
        version: begun + wait_seconds
        if wait_seconds is not None
        else _patience(stack, each, version)
        for each in wanted
        for version in each.versions
    }
    while waited_for := [version for version, end in until.items() if time.time() < end]:
        listening = servers.listening(ports.read(stack.fleet.places.ports))
        places = servers.all_of({v: listening.get(v, ()) for v in waited_for})
        fatal = [
            each.program
            for each in stack.fleet.processes()
            if each.state is ProcessState.FATAL and servers.version_of(each.program) in waited_for
        ]
        if len(places) - len(servers.ready(places)) <= len(fatal):
            return
        time.sleep(_POLL_SECONDS)


def _patience(stack: Stack, model: Wanted, version: str) -> float:
    """Until when a version is waited for, in unix seconds."""
    described = stack.fleet.places.program(servers.names(version, 1)[0])
    return described.stat().st_mtime + stack.settings.fleet(model.model).start_seconds


def _end_unneeded(stack: Stack, routed: Routed) -> None:
    """End the servers of versions that should not run, and that no request is sent to any more."""
    with routes_lock(stack):
        # Read again: whoever rerouted meanwhile may have sent requests to one of them.
        needed = {version for each in stack.wanted() for version in each.versions}
        needed |= applied.read(stack.home).upstreams.keys()
        book = ports.read(stack.fleet.places.ports)
        listed = (each.program for each in stack.fleet.processes())
        gone = [name for name in listed if _is_unneeded(name, needed, book)]
        stack.fleet.ask_to_stop(gone)
        stack.fleet.forget_ports(name for name in book if _is_unneeded(name, needed, book))
    stack.fleet.forget(gone)
    stack.fleet.end_orphans(
        name for name in stack.fleet.orphans() if _is_replaced(servers.version_of(name), routed)
    )


def _is_unneeded(name: str, needed: set[str], book: Mapping[str, ports.Pair]) -> bool:
    """Whether a program serves a version that is not needed, or is one replica too many of it."""
    version = servers.version_of(name)
    return version is not None and (version not in needed or name not in book)


def _is_replaced(version: str | None, routed: Routed) -> bool:
    """Whether the servers of a version that a killed Supervisor left behind are asked no more."""
    if version is None:
        return False
    told = routed.applied.upstreams.get(version)
    return told is None or told == routed.seen.listening.get(version)


def _reconciled(stack: Stack, routed: Routed) -> Reconciled:
    processes, logs = stack.fleet.processes(), stack.fleet.places.log
    listed = {
        version: f"{each.program} is {each.state} ({each.said}); its log: {logs(each.program)}"
        for each in processes
        if (version := servers.version_of(each.program)) is not None
    }
    answering = {v for v in routed.applied.upstreams if routed.seen.answers(v)}
    running = (servers.version_of(each.program) for each in processes)
    return Reconciled(
        is_up=bool(processes) or stack.fleet.is_up(),
        running=frozenset(version for version in running if version is not None),
        ready=frozenset(answering),
        weights=routed.applied.weights,
        mirror=routed.applied.mirror,
        generation=routed.applied.generation,
        problems=problems(routed, listed),
    )
