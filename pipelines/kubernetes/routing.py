"""The routes in line with the state store, whoever else writes either at the same moment."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipelines.errors import ClusterError, EvergreenError
from pipelines.gateway.table import Table
from pipelines.kubernetes import names
from pipelines.kubernetes.client import Cluster
from pipelines.kubernetes.conditions import Taken, route_taken
from pipelines.kubernetes.kinds import Object, kind_of
from pipelines.kubernetes.refusals import ConflictError
from pipelines.kubernetes.routes import Marks, routes
from pipelines.kubernetes.seeing import View, look
from pipelines.stack.desired import Known, Wanted, wanted
from pipelines.stack.reading import Stack
from pipelines.stack.tables import table

# A gateway's controller writes the status of a route right after each change, which makes a
# conflict with the next one; more than a few in a row are no accident.
_ROUNDS = 8
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Routed:
    """What was applied, and on which grounds.

    Attributes:
        wanted: what the state store said.
        view: what was in the cluster before.
        table: what follows from both.
    """

    wanted: tuple[Wanted, ...]
    view: View
    table: Table


def route(stack: Stack, cluster: Cluster) -> Routed:
    """Apply what the state store says now, and wait until the gateway has taken it.

    There is no lock between machines. Instead a route is read before the state, and applied only
    if it is still as it was read: of two callers, the one that applies last has read the state
    after the other one applied.

    Raises:
        ClusterError: the API or the gateway does not take a route; those of other models are
            applied all the same. What was applied before stays.
        StateError: the state store cannot be read.
    """
    for _ in range(_ROUNDS):
        view = look(cluster, stack.settings.gateway.kubernetes)
        routed, marks = _read(stack, view)
        try:
            applied, failed = _apply(stack, cluster, routed, marks)
        except ConflictError:
            continue
        # Nothing told whether another one was first to make a route: the next round does.
        if any((each["kind"], each["metadata"]["name"]) not in view.routes for each in applied):
            continue
        _wait(cluster, applied, stack.settings.gateway.kubernetes.accept_seconds)
        if failed is not None:
            raise failed
        return routed
    raise ClusterError(
        f"somebody changed the routes each of the {_ROUNDS} times that they were applied",
        where=f"routes in {cluster.namespace}",
        next_step="see who (`kubectl get httproutes -o yaml --show-managed-fields`), and run the "
        "same command again",
    )


def should_be(stack: Stack, view: View) -> list[Wanted]:
    """What should be true by the state store, for the versions of this cluster."""
    found = (wanted(_known(stack, model, view)) for model in stack.settings.models)
    return [each for each in found if each is not None]


def _known(stack: Stack, model: str, view: View) -> Known:
    """A version whose bento is on another machine runs from its image all the same."""
    known = stack.known(model)
    return replace(known, servable=known.servable | view.deployments.keys())


def _read(stack: Stack, view: View) -> tuple[Routed, dict[str, Marks]]:
    known = [_known(stack, model, view) for model in stack.settings.models]
    found = tuple(each for one in known if (each := wanted(one)) is not None)
    marks = {
        one.model: Marks(one.rollout.plan.id, one.rollout.generation)
        for one in known
        if one.rollout is not None
    }
    return Routed(found, view, table(found, view.seen(), stack.settings, {})), marks


def _apply(
    stack: Stack, cluster: Cluster, routed: Routed, marks: dict[str, Marks]
) -> tuple[list[Object], EvergreenError | None]:
    """Apply the routes of each model; what one model's routes are refused for harms no other.

    Raises:
        ConflictError: a route changed since it was read.
    """
    applied: list[Object] = []
    failed: EvergreenError | None = None
    for model in routed.table.models:
        told = routes(model, stack.settings.gateway.kubernetes, marks.get(model.model, Marks()))
        try:
            for each in told:
                applied.append(_apply_one(cluster, each, routed.view))
        except ConflictError:
            raise
        except ClusterError as error:
            failed = failed or error
    return applied, failed


def _apply_one(cluster: Cluster, wanted_route: Object, view: View) -> Object:
    name = wanted_route["metadata"]["name"]
    before = view.routes.get((wanted_route["kind"], name))
    if before is None:
        require_ours(cluster, wanted_route)
    revision = None if before is None else before["metadata"]["resourceVersion"]
    return cluster.apply(wanted_route, revision)


def require_ours(cluster: Cluster, wanted_object: Object) -> None:
    """Refuse to take over what somebody else has made under the same name.

    Raises:
        ClusterError: there is such an object, and it is not the controller's.
    """
    kind, name = kind_of(wanted_object), wanted_object["metadata"]["name"]
    found = cluster.get(kind, name)
    if found is not None and not names.is_controlled(found):
        raise ClusterError(
            "is there already, and was not made by this controller",
            where=f"{kind.name} {cluster.namespace}/{name}",
            next_step=f"remove it or give it another name, or hand it over: "
            f"`kubectl label {kind.plural} {name} {names.SELECTOR}`",
        )


def _wait(cluster: Cluster, applied: Sequence[Object], seconds: float) -> None:
    """Until the gateway has taken every route.

    Raises:
        ClusterError: it refuses one, or says nothing of it in time.
    """
    deadline = time.monotonic() + seconds
    for route_there in applied:
        found: Object | None = route_there
        while (taken := _taken(found)).problem:
            if not taken.is_pending or time.monotonic() > deadline:
                raise _not_taken(cluster, route_there, taken, seconds)
            time.sleep(_POLL_SECONDS)
            found = cluster.get(kind_of(route_there), route_there["metadata"]["name"])


def _taken(found: Object | None) -> Taken:
    if found is None:
        return Taken(is_pending=False, problem="somebody removed it right after it was applied")
    return route_taken(found)


def _not_taken(cluster: Cluster, found: Object, taken: Taken, seconds: float) -> ClusterError:
    name = found["metadata"]["name"]
    problem = f"not taken within {seconds:g} s" if taken.is_pending else "refused"
    return ClusterError(
        f"is written, and {problem} by the gateway: {taken.problem}",
        where=f"{found['kind']} {cluster.namespace}/{name}",
        next_step=f"look at its status (`kubectl describe {kind_of(found).plural} {name}`) and at "
        "gateway.kubernetes in params.yaml, then run the same command again",
    )
