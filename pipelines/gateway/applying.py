"""Bring Envoy to a table: without a refused request, or not at all."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pipelines.errors import GatewayError
from pipelines.gateway import access_log, dynamic, lingering, prepared
from pipelines.gateway.admin import Admin, DownError, Taken, wait_until
from pipelines.gateway.chains import chosen
from pipelines.gateway.checking import require_sound
from pipelines.gateway.dynamic import Discovery
from pipelines.gateway.locking import locked
from pipelines.gateway.names import CLUSTERS_FILE, FAULTS_FILE, PROTOCOLS, ROUTES_FILE, servers
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
        kept = _kept_a_while(folder, content, table, now)
        _Swap(folder, admin, content, kept).run(_asked(table))
        dynamic.keep_last_good(folder, content)
        access_log.rotate(folder, admin, now)
    return content[ROUTES_FILE].generation


def _next(folder: Path, known: Prepared, table: Table, now: float) -> dict[str, Discovery]:
    """What the files shall say: what they say already, or a new generation that Envoy takes.

    A file whose content stays is left alone; only routes always say their generation.
    """
    current = {name: dynamic.read(folder / name) for name in dynamic.FILES}
    for name, discovery in current.items():
        if discovery is None:
            _put_aside(folder / name)
    if clusters := current[CLUSTERS_FILE]:
        current[CLUSTERS_FILE] = lingering.without(clusters, lingering.read(folder))
    routes = current[ROUTES_FILE]
    if routes is not None:
        content = _kept(current, known.render(table, routes.generation, now))
        if content == current:
            return content
    content = known.render(table, dynamic.newest_generation(folder) + 1, now)
    require_valid(known.bootstrap, content)
    return _kept(current, content)


def _kept_a_while(
    folder: Path, content: Mapping[str, Discovery], table: Table, now: float
) -> frozenset[str]:
    """The clusters that no route leads to any more, and that requests on their way may need."""
    present = lingering.names_of(dynamic.read(folder / CLUSTERS_FILE))
    wanted = lingering.names_of(content[CLUSTERS_FILE])
    known, seconds = lingering.read(folder), lingering.most_seconds(table)
    until = lingering.following(known, present, wanted, now, seconds)
    lingering.write(until, folder)
    return frozenset(until)


def _kept(
    current: Mapping[str, Discovery | None], content: Mapping[str, Discovery]
) -> dict[str, Discovery]:
    found = dict(content)
    for name, discovery in current.items():
        if discovery is not None and discovery.resources == content[name].resources:
            found[name] = discovery
    return found


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
    """The files of one generation, put in place so that nothing ever leads nowhere.

    What is new first, what changes then, and what is not wanted any more last: routes lead to
    clusters, clusters to listeners that plant faults, and those to clusters again.
    """

    def __init__(
        self,
        folder: Path,
        admin: Admin,
        content: Mapping[str, Discovery],
        lingers: frozenset[str],
    ) -> None:
        self._folder = folder
        self._admin = admin
        self._content = content
        self._lingers = lingers

    def run(self, asked: set[str]) -> None:
        """Raises GatewayError as `apply` does."""
        clusters, faults = self._content[CLUSTERS_FILE], self._content[FAULTS_FILE]
        before = dynamic.read(self._folder / CLUSTERS_FILE)
        known = {str(each["name"]) for each in (before.resources if before else [])}
        if before is not None:
            grown = dynamic.together(clusters, replace(before, generation=clusters.generation))
            self._put(CLUSTERS_FILE, grown)
        old_faults = dynamic.read(self._folder / FAULTS_FILE)
        self._put(FAULTS_FILE, dynamic.together(old_faults, faults))
        self._put(CLUSTERS_FILE, dynamic.together(before, clusters))
        self._wait_for_servers(asked - known)
        self._put(ROUTES_FILE, self._content[ROUTES_FILE])
        self._put(CLUSTERS_FILE, self._with_what_lingers(before, clusters))
        # Not kept as clusters are: a listener finishes what it has when it is removed.
        self._put(FAULTS_FILE, faults)

    def _with_what_lingers(self, before: Discovery | None, after: Discovery) -> Discovery:
        left = lingering.only(before, self._lingers - lingering.names_of(after))
        return after if left is None else dynamic.together(left, after)

    def _put(self, name: str, discovery: Discovery) -> None:
        """Write a file unless it says this already, and see that Envoy works with it."""
        path = self._folder / name
        refused = self._taken(name)
        if dynamic.read(path) != discovery:
            discovery.write(path)
        if refused is None or refused.version == discovery.version:
            return
        taken = refused

        def is_decided() -> bool:
            nonlocal taken
            taken = self._admin.taken(name)
            return taken.version == discovery.version or taken.refusals > refused.refusals

        try:
            wait_until(is_decided, TAKEN_SECONDS)
        except DownError:
            return  # it went away meanwhile, and starts with these files
        if taken.version == discovery.version:
            return
        if taken.refusals > refused.refusals:
            dynamic.restore_last_good(self._folder)
            raise _not_taken(path, discovery, "refused it, and goes on with what it had")
        raise _not_taken(path, discovery, f"did not take it within {TAKEN_SECONDS:g} s")

    def _taken(self, name: str) -> Taken | None:
        """None if Envoy does not run."""
        try:
            return self._admin.taken(name)
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


def _not_taken(path: Path, discovery: Discovery, problem: str) -> GatewayError:
    return GatewayError(
        f"Envoy {problem} (generation {discovery.generation})",
        where=str(path),
        next_step="see Envoy's log (`evergreen status` names it); `evergreen up` starts it anew",
    )
