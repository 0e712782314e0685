"""The local stack: up, down, and how it is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flows.status import overview
from pipelines import settings
from pipelines.fleet import ports
from pipelines.fleet.fleet import Fleet
from pipelines.fleet.layout import Layout
from pipelines.fleet.locks import held
from pipelines.fleet.ports import LOOPBACK
from pipelines.fleet.remote import Process
from pipelines.paths import home
from pipelines.rollout import store as rollouts
from pipelines.rollout.routing import percent_of
from pipelines.stack import applied, keeper, programs, servers, starting
from pipelines.stack.reconcile import LOCK_SECONDS
from pipelines.stack.starting import Up
from pipelines.state import store


@dataclass(frozen=True)
class Started:
    """What `evergreen up` did.

    Attributes:
        stack: gateway, servers and routes.
        prefect: the address of Prefect's API, or None.
        dashboard: the address of Evidently's dashboard, or None.
    """

    stack: Up
    prefect: str | None
    dashboard: str | None


def up(root: Path, *, is_with_prefect: bool) -> Started:
    """Start what does not run, and wait until it answers.

    Raises:
        EvergreenError: see `pipelines.stack.starting.up`.
    """
    from flows import prefect_programs

    places = home(root)
    fleet = Fleet(Layout.of(places))
    url, more = None, [programs.keeper(root, places), programs.teller(root, places)]
    port = _dashboard_port(root, fleet)
    if port is not None:
        more.append(programs.dashboard(root, places, port))
    if is_with_prefect:
        prefect, url = prefect_programs.programs(root, places, fleet)
        more += prefect
    started = starting.up(root, more)
    if url is not None:
        prefect_programs.deploy(root, places, url)
    return Started(started, url, _dashboard_url(port))


def _dashboard_port(root: Path, fleet: Fleet) -> int | None:
    """Where the dashboard is to listen; None if it is off."""
    chosen = settings.load(root).dashboard
    if not chosen.serve or chosen.port is not None:
        return chosen.port if chosen.serve else None
    with held(fleet.places.lock, LOCK_SECONDS):
        return fleet.pairs([programs.DASHBOARD])[programs.DASHBOARD][0]


def _dashboard_seen(root: Path, fleet: Fleet, processes: list[Process]) -> str | None:
    if not any(each.program == programs.DASHBOARD for each in processes):
        return None
    chosen, book = settings.load(root).dashboard.port, ports.read(fleet.places.ports)
    return _dashboard_url(chosen or book.get(programs.DASHBOARD, (None,))[0])


def _dashboard_url(port: int | None) -> str | None:
    return None if port is None else f"http://{LOOPBACK}:{port}"


def status(root: Path) -> dict[str, Any]:
    """Every model with its rollout and routes, every process, and what the gateway was told."""
    from pipelines.alerting import teller

    places = home(root)
    fleet, told = Fleet(Layout.of(places)), applied.read(places)
    processes = fleet.processes()
    rows = [{**row, **_release(root, row["model"], told)} for row in overview(root)]
    return {
        "models": rows,
        "is_up": fleet.is_up(),
        "processes": [_process(each, fleet, told) for each in processes],
        # Of a Supervisor that was killed: they answer, and nobody watches them.
        "orphans": fleet.orphans(),
        "generation": told.generation,
        "dashboard": _dashboard_seen(root, fleet, processes),
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
    }


def _process(process: Process, fleet: Fleet, told: applied.Applied) -> dict[str, Any]:
    version = servers.version_of(process.program)
    return {
        "program": process.program,
        "state": process.state.value,
        "pid": process.pid,
        "seconds": process.seconds,
        "said": process.said,
        "log": str(fleet.places.log(process.program)),
        "version": version,
        "is_routed": None if version is None else version in told.upstreams,
    }
