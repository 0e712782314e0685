"""Where Evidently's dashboard of all windows is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pipelines import settings
from pipelines.fleet import ports
from pipelines.fleet.fleet import Fleet
from pipelines.fleet.locks import held
from pipelines.fleet.remote import Process
from pipelines.ports import LOOPBACK
from pipelines.stack import programs
from pipelines.stack.reconcile import LOCK_SECONDS


def port_of(root: Path, fleet: Fleet) -> int | None:
    """Where it is to listen, the same at every start; None if it is off.

    Raises:
        EvergreenError: params.yaml cannot be read, or another `up` is at work for too long.
    """
    chosen = settings.load(root).dashboard
    if not chosen.serve or chosen.port is not None:
        return chosen.port if chosen.serve else None
    with held(fleet.places.lock, LOCK_SECONDS):
        return fleet.pairs([programs.DASHBOARD])[programs.DASHBOARD][0]


def seen(root: Path, fleet: Fleet, processes: Iterable[Process]) -> str | None:
    """Its address, if it is among the processes."""
    if not any(each.program == programs.DASHBOARD for each in processes):
        return None
    chosen, book = settings.load(root).dashboard.port, ports.read(fleet.places.ports)
    return url_of(chosen or book.get(programs.DASHBOARD, (None,))[0])


def url_of(port: int | None) -> str | None:
    return None if port is None else f"http://{LOOPBACK}:{port}"
