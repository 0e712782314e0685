"""What a cluster says counts only if it is said of the object as it is now."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.kubernetes.conditions import deployment_problem, route_taken

PARENT = {"name": "public", "namespace": "infra"}


def deployment(generation: int = 3, observed: int = 3, **status: Any) -> dict[str, Any]:
    known = {"observedGeneration": observed, "updatedReplicas": 2, "availableReplicas": 2}
    return {"metadata": {"generation": generation}, "status": {**known, **status}}


def said(kind: str, status: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": "R", "message": "m", **more}


def route(*conditions: dict[str, Any], parent: Any = None, generation: int = 4) -> dict[str, Any]:
    parents = [{"parentRef": parent or PARENT, "conditions": list(conditions)}]
    return {
        "metadata": {"generation": generation, "namespace": "evergreen", "name": "flights"},
        "spec": {"parentRefs": [{**PARENT, "kind": "Gateway"}]},
        "status": {"parents": parents if conditions else []},
    }


def both(generation: int = 4) -> list[dict[str, Any]]:
    return [
        said(kind, "True", observedGeneration=generation) for kind in ("Accepted", "ResolvedRefs")
    ]


def test_an_available_deployment_serves() -> None:
    assert deployment_problem(deployment(conditions=[said("Available", "True")])) is None


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ({"metadata": {"generation": 1}}, "not looked at"),
        (deployment(observed=2, conditions=[said("Available", "True")]), "not looked at"),
        (deployment(conditions=[said("Available", "False")]), "Available is False, R: m"),
        (deployment(conditions=[said("Available", "Unknown")]), "2 of its pods"),
        (deployment(updatedReplicas=0, conditions=[said("Available", "True")]), "2 of its pods"),
        (
            deployment(conditions=[said("Available", "False"), said("Progressing", "False")]),
            "Progressing is False",
        ),
        (
            deployment(conditions=[said("Available", "False"), said("ReplicaFailure", "True")]),
            "ReplicaFailure is True",
        ),
    ],
    ids=["new", "old word", "unavailable", "unknown", "old template", "stuck", "no pods allowed"],
)
def test_anything_else_does_not(found: dict[str, Any], why: str) -> None:
    assert why in str(deployment_problem(found))


def test_a_route_is_taken_when_its_gateway_says_so_of_this_generation() -> None:
    assert route_taken(route(*both())).is_in_force
    assert route_taken(route(*both(), said("Programmed", "True", observedGeneration=4))).is_in_force


@pytest.mark.parametrize(
    ("found", "is_pending", "why"),
    [
        (route(), True, "is there a Gateway public?"),
        (
            route(*both(), parent={"name": "other", "namespace": "infra"}),
            True,
            "is there a Gateway",
        ),
        (route(*both(), parent={"name": "public"}), True, "is there a Gateway"),
        (route(*both(3)), True, "Accepted is not said of generation 4"),
        (route(both()[0]), True, "ResolvedRefs is not said"),
        (route(said("Accepted", "False", observedGeneration=3)), True, "Accepted is not said"),
        (route(said("Accepted", "False", observedGeneration=4)), False, "Accepted is False"),
        (
            route(both()[0], said("ResolvedRefs", "False", observedGeneration=4)),
            False,
            "ResolvedRefs is False, R: m",
        ),
        (
            route(*both(), said("PartiallyInvalid", "True", observedGeneration=4)),
            False,
            "PartiallyInvalid",
        ),
        (route(*both(), said("Programmed", "False", observedGeneration=4)), True, "Programmed"),
        (route(said("Accepted", "Unknown", observedGeneration=4)), True, "Accepted is not said"),
    ],
    ids=[
        "silence",
        "another gateway",
        "another namespace",
        "an old word",
        "half",
        "an old refusal",
        "refused",
        "no backend",
        "in part",
        "not yet in force",
        "unknown",
    ],
)
def test_what_is_not_said_of_it_does_not_count(found, is_pending, why) -> None:
    taken = route_taken(found)
    assert (taken.is_in_force, taken.is_pending) == (False, is_pending)
    assert why in taken.problem


def test_every_gateway_has_to_take_it() -> None:
    found = route(*both())
    found["spec"]["parentRefs"].append({"name": "second"})
    assert "is there a Gateway second?" in route_taken(found).problem
