"""Versions run while needed, and go a while after; nobody else's object is touched."""

from __future__ import annotations

import shutil
import time

import kubernetes_validate
import pytest
import yaml

from pipelines.kubernetes.client import Cluster as Client
from pipelines.kubernetes.running import UNNEEDED_SECONDS, remove_unneeded
from pipelines.packaging import store as bento_store
from pipelines.releasing.people import abort
from pipelines.stack.reading import Stack
from tests.kubernetes.api_server import RBAC, allowed_by_role
from tests.kubernetes.project import CANARY, STABLE, Rollout
from tests.releasing import world as worlds
from tests.releasing.world import CHALLENGER, CHAMPION, MODEL
from tests.waiting import until

KINDS = (
    "serviceaccounts",
    "deployments",
    "services",
    "horizontalpodautoscalers",
    "poddisruptionbudgets",
    "networkpolicies",
)


def remove(rollout: Rollout, later: float = 0.0) -> dict[str, float]:
    with Client.found() as client:
        return remove_unneeded(Stack.at(rollout.world.root), client, time.time() + later)


@pytest.fixture
def ended(rollout: Rollout) -> Rollout:
    """A rollout that was ended while its challenger ran."""
    rollout.begin()
    rollout.router.settle(10)
    world = rollout.world
    abort(world.project, MODEL, rollout.router, who="ann", why="odd", now=world.now())
    assert rollout.cluster.names("deployments") == [STABLE, CANARY]
    return rollout


def test_all_that_a_version_consists_of_is_there(rollout: Rollout) -> None:
    applied = rollout.router.settle(10)
    assert (applied.ready, applied.problems) == ({CHAMPION}, {})
    for kind in KINDS:
        assert rollout.cluster.names(kind) == [STABLE]


def test_what_nothing_needs_goes_after_a_while_and_whole(ended: Rollout) -> None:
    assert remove(ended) == {CHALLENGER: UNNEEDED_SECONDS}
    assert 0 < remove(ended, later=10)[CHALLENGER] < UNNEEDED_SECONDS
    assert ended.cluster.names("deployments") == [STABLE, CANARY]
    assert remove(ended, later=UNNEEDED_SECONDS + 2) == {}
    until(lambda: all(ended.cluster.names(kind) == [STABLE] for kind in KINDS))


def test_the_role_allows_what_is_used_and_nothing_else(ended: Rollout) -> None:
    remove(ended)
    remove(ended, later=UNNEEDED_SECONDS + 2)
    assert ended.cluster.used == allowed_by_role()


def test_kubernetes_takes_the_role() -> None:
    documents = list(yaml.safe_load_all(RBAC.read_text(encoding="utf-8")))
    assert [each["kind"] for each in documents] == [
        "Namespace",
        "ServiceAccount",
        "Role",
        "RoleBinding",
    ]
    for each in documents:
        kubernetes_validate.validate(each, kubernetes_validate.latest_version(), strict=True)


def test_who_needs_it_again_takes_the_mark_away(ended: Rollout) -> None:
    remove(ended)
    worlds.promote(ended.world.project.engine, ended.world.root, 2)
    ended.router.settle(10)
    needed = ended.cluster.get("serviceaccounts", CANARY)["metadata"]["annotations"]
    assert needed["evergreen/needed"] == "yes"
    assert remove(ended, later=1000) == {}


def test_a_removal_is_refused_when_somebody_applies_the_version_meanwhile(ended: Rollout) -> None:
    remove(ended)
    stack = Stack.at(ended.world.root)
    with Client.found() as client:
        delete = client.delete

        def later(found):
            client.annotate(found, {"evergreen/needed": "yes"})
            delete(found)

        client.delete = later  # type: ignore[method-assign]
        left = remove_unneeded(stack, client, time.time() + UNNEEDED_SECONDS + 2)
    assert left == {CHALLENGER: UNNEEDED_SECONDS}
    assert ended.cluster.names("deployments") == [STABLE, CANARY]


def test_what_a_route_still_names_is_not_removed(ended: Rollout) -> None:
    """Killed between the state and the routes: nobody has applied that the rollout is over."""
    remove(ended)
    route = ended.cluster.objects["httproutes", MODEL]
    backend = dict(route["spec"]["rules"][0]["backendRefs"][0], name=CANARY, weight=0)
    route["spec"]["rules"][0]["backendRefs"].append(backend)
    assert remove(ended, later=1000) == {}
    assert ended.cluster.names("deployments") == [STABLE, CANARY]


def test_a_version_whose_bento_is_elsewhere_runs_on(rollout: Rollout) -> None:
    """The champion was applied from another machine: nobody takes its requests for that."""
    rollout.router.settle(10)
    shutil.rmtree(bento_store.place(worlds.tag(1), rollout.world.project.home))
    applied = rollout.router.reconcile()
    assert (applied.ready, applied.problems) == ({CHAMPION}, {})
    assert rollout.cluster.weights() == {STABLE: 100}


def test_a_mark_is_taken_from_a_version_whose_bento_is_elsewhere(ended: Rollout) -> None:
    remove(ended)
    shutil.rmtree(bento_store.place(worlds.tag(2), ended.world.project.home))
    worlds.promote(ended.world.project.engine, ended.world.root, 2)
    ended.router.reconcile()
    needed = ended.cluster.get("serviceaccounts", CANARY)["metadata"]["annotations"]
    assert needed["evergreen/needed"] == "yes"


def test_a_deployment_of_somebody_else_is_not_taken_over(rollout: Rollout) -> None:
    theirs = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": STABLE},
        "spec": {"ports": [{"port": 80}]},
    }
    rollout.cluster.apply(("services", STABLE), theirs, "a-person")
    applied = rollout.router.reconcile()
    assert "was not made by this controller" in applied.problems[CHAMPION]
    assert rollout.cluster.names("serviceaccounts") == []
    assert rollout.cluster.get("services", STABLE)["spec"] == theirs["spec"]


def test_one_version_that_is_refused_harms_no_other(rollout: Rollout) -> None:
    rollout.router.settle(10)
    rollout.begin()
    model = bento_store.place(worlds.tag(2), rollout.world.project.home) / "bento.yaml"
    model.write_text("damaged", encoding="utf-8")
    applied = rollout.router.reconcile()
    assert "changed since it was built: bento.yaml" in applied.problems[CHALLENGER]
    assert applied.ready == {CHAMPION}
