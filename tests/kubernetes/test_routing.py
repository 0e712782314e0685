"""Whoever applies last has read the state last, and a gateway has to say that it has taken it."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.errors import ClusterError, StateError
from pipelines.kubernetes.client import Cluster as Client
from pipelines.kubernetes.routing import route
from pipelines.releasing.people import abort
from pipelines.rollout.state import Phase
from pipelines.stack.reading import Stack
from pipelines.state.store import rollouts
from tests.kubernetes.project import CANARY, STABLE, Rollout
from tests.releasing.world import MODEL


@pytest.fixture
def stepping(rollout: Rollout) -> Rollout:
    """The canary has 50 % of the requests."""
    rollout.write_params(mirror=False, steps=[50, 100])
    rollout.router.settle(10)
    rollout.begin()
    while rollout.tick().state.phase is not Phase.STEPPING:
        rollout.serve(2)
    assert rollout.cluster.weights() == {STABLE: 50, CANARY: 50}
    return rollout


def once(cluster, does) -> None:
    """Somebody is faster than the next apply of a route."""

    def before(plural: str, name: str) -> None:
        if plural == "httproutes":
            cluster.before_apply = lambda plural, name: None
            does()

    cluster.before_apply = before


def test_a_decision_that_was_made_meanwhile_wins(stepping: Rollout) -> None:
    """A tick has read "50 %", and a rollback is written and applied before the tick applies."""
    world = stepping.world

    def roll_back() -> None:
        abort(world.project, MODEL, stepping.router, who="ann", why="odd", now=world.now())
        assert stepping.cluster.weights() == {STABLE: 100}

    once(stepping.cluster, roll_back)
    stepping.router.reroute()
    assert stepping.cluster.weights() == {STABLE: 100}
    [*_, newest] = [w for n, w in stepping.cluster.changes if n == "httproutes/flights"]
    assert "evergreen/rollout" not in newest["metadata"]["annotations"]


def test_a_route_that_another_one_made_first_is_read_again(rollout: Rollout) -> None:
    rollout.router.settle(10)
    made = rollout.cluster.get("httproutes", MODEL)
    for kind, name in [key for key in rollout.cluster.objects if key[0] == "httproutes"]:
        del rollout.cluster.objects[kind, name]

    def make() -> None:
        other = {key: made[key] for key in ("apiVersion", "kind", "spec")}
        metadata = {key: made["metadata"][key] for key in ("name", "labels")}
        rollout.cluster.apply(("httproutes", MODEL), {**other, "metadata": metadata}, "evergreen")

    once(rollout.cluster, make)
    rollout.router.reroute()
    # Not only applied, but applied again once it had been read: the state could be newer.
    applied = [r for r in rollout.cluster.requests if r == f"PATCH httproutes/{MODEL}"]
    assert len(applied) >= 3


def test_somebody_who_changes_a_route_all_the_time_is_reported(stepping: Rollout) -> None:
    def meddle(plural: str, name: str) -> None:
        if plural == "httproutes":
            with stepping.cluster.lock:
                found = stepping.cluster.objects[plural, name]
                stepping.cluster.touch(found)

    stepping.cluster.before_apply = meddle
    with pytest.raises(ClusterError, match="somebody changed the routes each of the 8 times"):
        stepping.router.reroute()


def test_weights_that_a_person_edited_are_put_right(stepping: Rollout) -> None:
    with stepping.cluster.lock:
        found = stepping.cluster.objects["httproutes", MODEL]
        found["spec"]["rules"][0]["backendRefs"][0]["weight"] = 0
        stepping.cluster.touch(found)
    stepping.router.reroute()
    assert stepping.cluster.weights() == {STABLE: 50, CANARY: 50}


def test_a_route_of_somebody_else_is_not_taken_over(rollout: Rollout) -> None:
    theirs: dict[str, Any] = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": MODEL, "labels": {"app.kubernetes.io/managed-by": "evergreen"}},
        "spec": {"parentRefs": [{"name": "x"}], "rules": []},
    }
    rollout.cluster.apply(("httproutes", MODEL), theirs, "a-person")
    with pytest.raises(ClusterError, match="was not made by this controller") as caught:
        rollout.router.settle(10)
    assert "kubectl label httproutes flights evergreen/controlled=true" in caught.value.next_step
    assert rollout.cluster.get("httproutes", MODEL)["spec"]["rules"] == []


def test_a_gateway_that_says_nothing_is_reported(stepping: Rollout) -> None:
    stepping.write_params({"accept_seconds": 0.3}, mirror=False, steps=[50, 100])
    stepping.cluster.silent = True
    world = stepping.world
    with pytest.raises(ClusterError, match=r"not taken within 0\.3 s") as caught:
        abort(world.project, MODEL, stepping.router, who="ann", why="odd", now=world.now())
    assert "kubectl describe httproutes flights" in caught.value.next_step
    # It is written all the same, and counts when the gateway is back.
    stepping.cluster.silent = False
    stepping.router.reroute()
    assert stepping.cluster.weights() == {STABLE: 100}


def test_a_gateway_that_refuses_is_reported_at_once(stepping: Rollout) -> None:
    stepping.cluster.refused = {MODEL}
    world = stepping.world
    with pytest.raises(ClusterError, match="refused by the gateway: Accepted is False"):
        abort(world.project, MODEL, stepping.router, who="ann", why="odd", now=world.now())


def test_a_route_that_the_api_refuses_keeps_no_other_from_being_applied(
    stepping: Rollout,
) -> None:
    world = stepping.world
    stepping.cluster.answers["PATCH grpcroutes"] = [422]
    with pytest.raises(ClusterError, match="422 Planned"):
        abort(world.project, MODEL, stepping.router, who="ann", why="odd", now=world.now())
    assert stepping.cluster.weights() == {STABLE: 100}
    assert stepping.cluster.weights(plural="grpcroutes") == {STABLE: 50, CANARY: 50}
    stepping.router.reroute()
    assert stepping.cluster.weights(plural="grpcroutes") == {STABLE: 100}


@pytest.mark.parametrize("spoil", ["{", '{"schema": 99}'], ids=["damaged", "another release"])
def test_a_state_that_cannot_be_read_gives_the_champion_everything(stepping, spoil) -> None:
    with stepping.world.project.engine.begin() as connection:
        connection.execute(rollouts.update().values(state=spoil))
    with pytest.raises(StateError, match="changed by something else"):
        stepping.tick()
    assert stepping.cluster.weights() == {STABLE: 100}


def test_a_route_that_is_removed_at_once_is_reported(rollout: Rollout) -> None:
    rollout.router.settle(10)
    stack = Stack.at(rollout.world.root)
    with Client.found() as client:
        get = client.get
        client.get = lambda kind, name: None if name == MODEL else get(kind, name)  # type: ignore[method-assign]
        rollout.cluster.silent = True
        rollout.cluster.objects["httproutes", MODEL]["status"] = {}
        with pytest.raises(ClusterError, match="somebody removed it"):
            route(stack, client)
