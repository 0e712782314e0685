"""Bring Envoy to a table: without a refused request, or not at all."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from pathlib import Path

from pipelines.errors import GatewayError
from pipelines.gateway import access_log, dynamic, prepared
from pipelines.gateway.admin import Admin, DownError, wait_until
from pipelines.gateway.chains import chosen
from pipelines.gateway.checking import require_sound
from pipelines.gateway.dynamic import Discovery
from pipelines.gateway.locking import locked
from pipelines.gateway.names import CLUSTERS_FILE, PROTOCOLS, ROUTES_FILE, servers
from pipelines.gateway.preflight import require_valid
from pipelines.gateway.prepared import Prepared
from pipelines.gateway.table import Table

TAKEN_SECONDS = 5.0
# A version that is not ready gets its weight all the same: its chain answers in its place, and
# what is decided on the evidence must not hang on one server.
WARM_SECONDS = 3.0
_LOGGER = logging.getLogger(__name__)


def apply(folder: Path, table: Table, now: float) -> int:
    """Make Envoy route by a table, and return the generation that it does so under.

    Nothing is written when the files say this already. When Envoy is down, the files are ready
    for its start.

    Args:
        folder: where `prepare` was.
        table: all models.
        now: unix seconds; faults that have expired by then are left out.

    Raises:
        GatewayError: the table contradicts itself, the gateway is not prepared, or Envoy refuses;
            then it goes on with what it had. Or Envoy does not answer; then the files are ready.
        BusyError: somebody else has been changing the gateway for too long.
    """
    require_sound(table)
    if not math.isfinite(now):
        raise GatewayError(f"{now} is no time", where="now", next_step="give unix seconds")
    folder = folder.resolve()
    known = prepared.read(folder)
    with locked(folder):
        content = _next(folder, known, table, now)
        admin = Admin(folder)
        _Swap(folder, admin, content).run(_asked(table))
        dynamic.keep_last_good(folder, content)
        access_log.rotate(folder, admin, now)
    return content[ROUTES_FILE].generation


def _next(folder: Path, known: Prepared, table: Table, now: float) -> dict[str, Discovery]:
    """What both files shall say: what they say already, or a new generation that Envoy takes."""
    newest = dynamic.newest_generation(folder)
    current = {name: dynamic.read(folder / name) for name in dynamic.FILES}
    for name, discovery in current.items():
        if discovery is None:
            _put_aside(folder / name)
    same = known.render(table, newest, now)
    if all(found is not None and found == same[name] for name, found in current.items()):
        return same
    content = known.render(table, newest + 1, now)
    require_valid(known.bootstrap, content)
    return content


def _put_aside(path: Path) -> None:
    """Keep what somebody wrote by hand, and say that it counts for nothing."""
    if not path.exists():
        return
    aside = path.with_name(f"{path.name}.edited")
    path.replace(aside)
    _LOGGER.warning(
        "%s was not written by Evergreen, or was damaged: it is %s now, and was replaced. "
        "Change the rollout or params.yaml instead",
        path,
        aside.name,
    )


def _asked(table: Table) -> set[str]:
    """The clusters whose servers get requests as soon as the routes change."""
    return {
        servers(version, protocol)
        for model in table.models
        for version in (*chosen(model), *([model.mirror] if model.mirror else []))
        for protocol in PROTOCOLS
    }


class _Swap:
    """The files of one generation, put in place in an order that leaves no route without servers.

    First the clusters of both, then the routes, then the clusters that are still wanted.
    """

    def __init__(self, folder: Path, admin: Admin, content: Mapping[str, Discovery]) -> None:
        self._folder = folder
        self._admin = admin
        self._content = content

    def run(self, asked: set[str]) -> None:
        """Raises GatewayError as `apply` does."""
        wanted = self._content[CLUSTERS_FILE]
        before = dynamic.read(self._folder / CLUSTERS_FILE)
        before_names = _names(before.resources) if before else set()
        both = _together(before, wanted)
        self._put(CLUSTERS_FILE, both)
        self._wait_for_servers(asked - before_names)
        self._put(ROUTES_FILE, self._content[ROUTES_FILE])
        if both != wanted:
            self._put(CLUSTERS_FILE, wanted)

    def _put(self, name: str, discovery: Discovery) -> None:
        path = self._folder / name
        refused = self._refusals(name)
        if dynamic.read(path) != discovery:
            discovery.write(path)
        if refused is None:
            return
        try:
            has_taken = wait_until(
                lambda: (
                    self._admin.taken(name) == discovery.version
                    or self._admin.refusals(name) > refused
                ),
                TAKEN_SECONDS,
            )
            is_refused = self._admin.taken(name) != discovery.version
        except DownError:
            return  # it went away meanwhile, and starts with these files
        if has_taken and is_refused:
            dynamic.restore_last_good(self._folder)
            raise _not_taken(path, discovery, "refused it, and goes on with what it had")
        if not has_taken:
            raise _not_taken(path, discovery, f"did not take it within {TAKEN_SECONDS:g} s")

    def _refusals(self, name: str) -> int | None:
        """None if Envoy does not run."""
        try:
            return self._admin.refusals(name)
        except DownError:
            return None

    def _wait_for_servers(self, clusters: set[str]) -> None:
        def are_healthy() -> bool:
            healthy = self._admin.healthy()
            return all(healthy.get(name, 0) for name in clusters)

        try:
            if clusters and not wait_until(are_healthy, WARM_SECONDS):
                _LOGGER.warning("not ready, and routed to: %s", ", ".join(sorted(clusters)))
        except DownError:
            return  # then there is nobody to wait for


def _names(resources: list[dict[str, object]]) -> set[str]:
    return {str(resource["name"]) for resource in resources}


def _together(before: Discovery | None, wanted: Discovery) -> Discovery:
    kept = [
        resource
        for resource in (before.resources if before else [])
        if resource["name"] not in _names(wanted.resources)
    ]
    return Discovery(wanted.generation, [*wanted.resources, *kept]) if kept else wanted


def _not_taken(path: Path, discovery: Discovery, problem: str) -> GatewayError:
    return GatewayError(
        f"Envoy {problem} (generation {discovery.generation})",
        where=str(path),
        next_step="see Envoy's log (`evergreen status` names it); `evergreen up` starts it anew",
    )
