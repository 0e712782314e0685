"""The local stack: up, down, and how it is."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flows import dashboard
from flows.status import overview
from pipelines import settings
from pipelines.errors import GatewayError
from pipelines.fleet import ports
from pipelines.fleet.fleet import Fleet
from pipelines.fleet.layout import Layout
from pipelines.fleet.program import Program
from pipelines.fleet.remote import Process
from pipelines.gateway.table import Endpoint
from pipelines.paths import home
from pipelines.ports import LOOPBACK
from pipelines.rollout import store as rollouts
from pipelines.rollout.routing import percent_of
from pipelines.settings import ChainSettings
from pipelines.stack import applied, faults, keeper, programs, servers, starting
from pipelines.stack.starting import Up
from pipelines.state import store


@dataclass(frozen=True)
class Started:
    """What `evergreen up` did.

    Attributes:
        stack: gateway, servers and routes; None where a cluster has all of them.
        prefect: the address of Prefect's API, or None.
        dashboard: the address of Evidently's dashboard, or None.
    """

    stack: Up | None
    prefect: str | None
    dashboard: str | None


def up(root: Path, *, is_with_prefect: bool) -> Started:
    """Start what does not run, and wait until it answers.

    Raises:
        EvergreenError: see `pipelines.stack.starting.up`.
    """
    from flows import prefect_programs

    places = home(root)
    fleet, url, more = Fleet(Layout.of(places)), None, list[Program]()
    if is_with_prefect:
        more, url = prefect_programs.programs(root, places, fleet)
    port = None
    if is_in_cluster(root):
        started = None
        # What is to be told is in the state store, which is here, with whoever drives rollouts.
        starting.up_beside_cluster(root, [*more, programs.teller(root, places)] if more else [])
    else:
        more += [programs.keeper(root, places), programs.teller(root, places)]
        port = dashboard.port_of(root, fleet)
        if port is not None:
            more.append(programs.dashboard(root, places, port))
        started = starting.up(root, more)
    if url is not None:
        prefect_programs.deploy(root, places, url)
    return Started(started, url, dashboard.url_of(port))


def is_in_cluster(root: Path) -> bool:
    """Whether gateway and servers are a cluster's, so that none run here.

    Raises:
        SettingsError: params.yaml cannot be read.
    """
    return settings.load(root).gateway.router == "kubernetes"


def status(root: Path) -> dict[str, Any]:
    """Every model with its rollout and routes, every process, and what the gateway was told."""
    from pipelines.alerting import teller

    places = home(root)
    fleet, told = Fleet(Layout.of(places)), applied.read(places)
    configured = settings.load(root)
    processes = fleet.processes()
    unready = _unready(fleet)
    rows = [{**row, **_release(root, row["model"], told)} for row in overview(root)]
    return {
        "models": rows,
        "chains": [_chain(name, chain, told) for name, chain in configured.chain.items()],
        "is_up": fleet.is_up(),
        "router": configured.gateway.router,
        "processes": [_process(each, fleet, told, unready) for each in processes],
        # Of a Supervisor that was killed: they answer, and nobody watches them.
        "orphans": fleet.orphans(),
        "generation": told.generation,
        "dashboard": dashboard.seen(root, fleet, processes),
        "teller": teller.problem(places),
        "keeper": None if (looked := keeper.last(places)) is None else asdict(looked),
    }


def _release(root: Path, model: str, told: applied.Applied) -> dict[str, Any]:
    """How far the open rollout of a model is, and where its requests go."""
    stored = rollouts.current(store.connect(home(root).database), model)
    state = None if stored is None else stored.state
    return {
        "rollout": None
        if state is None
        else {
            "challenger": state.plan.challenger,
            "phase": state.phase.value,
            "weight_percent": percent_of(state),
            "is_paused": state.is_paused,
            "reason": state.reason,
        },
        "weights": told.weights.get(model),
        "mirror": told.mirror.get(model),
        "faults": _faults(root, model),
    }


def _chain(name: str, chain: ChainSettings, told: applied.Applied) -> dict[str, Any]:
    return {
        "chain": name,
        "models": [chain.first, chain.then],
        "live": told.champion.get(name),
        "weights": told.weights.get(name),
    }


def _faults(root: Path, model: str) -> list[dict[str, Any]]:
    """What is planted on purpose now, with whom to ask about it."""
    try:
        found = faults.planted(home(root), time.time()).get(model, ())
    except GatewayError as error:
        # The rest of the status is wanted all the more.
        return [{"said": str(error)}]
    return [{**asdict(each), "said": faults.in_words(model, each)} for each in found]


def _unready(fleet: Fleet) -> dict[str, str | None]:
    """By program, why a model server is not ready; None for one that is."""
    book = ports.read(fleet.places.ports)
    place = {name: Endpoint(LOOPBACK, *pair) for name, pair in book.items()}
    known = {name: version for name in book if (version := servers.version_of(name))}
    said = servers.asked((version, place[name]) for name, version in known.items())
    return {name: said[version, place[name]] for name, version in known.items()}


def _process(
    process: Process, fleet: Fleet, told: applied.Applied, unready: Mapping[str, str | None]
) -> dict[str, Any]:
    version = servers.version_of(process.program)
    return {
        "program": process.program,
        "state": process.state.value,
        "pid": process.pid,
        "seconds": process.seconds,
        "said": process.said,
        "log": str(fleet.places.log(process.program)),
        "version": version,
        # Of a model server, whether it would answer, and why not; Supervisor only sees a process.
        "is_ready": None if version is None else unready.get(process.program, "") is None,
        "unready": unready.get(process.program),
        "is_routed": None if version is None else version in told.upstreams,
        "weight_percent": max(
            (each.get(version or "", 0) for each in told.weights.values()), default=0
        ),
        "is_mirror": version is not None and version in told.mirror.values(),
    }
