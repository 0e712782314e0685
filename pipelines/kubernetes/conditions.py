"""What a cluster says of an object, read with its generation: an old word is no word. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.kubernetes.kinds import Object

# Every gateway has to set the first two. Some set the third, when the route is in force.
_REQUIRED = ("Accepted", "ResolvedRefs")
_OPTIONAL = "Programmed"
_PARTIAL = "PartiallyInvalid"


@dataclass(frozen=True)
class Taken:
    """Whether a gateway has taken a route as it is written now.

    Attributes:
        is_pending: whether it may still say so.
        problem: what is missing or refused; empty when it has taken it.
    """

    is_pending: bool
    problem: str = ""

    @property
    def is_in_force(self) -> bool:
        return not self.problem


def deployment_problem(found: Mapping[str, Any]) -> str | None:
    """Why a Deployment does not serve; None when it does.

    It serves when it is available as it is written now. While a newer template is being rolled
    out, or was not even looked at, `Available` speaks of other pods.
    """
    status, wanted = found.get("status") or {}, found["metadata"].get("generation", 0)
    if status.get("observedGeneration", -1) < wanted:
        return "the cluster has not looked at it yet"
    conditions = {each["type"]: each for each in status.get("conditions") or ()}
    if _is(conditions, "Available", "True") and status.get("updatedReplicas", 0) > 0:
        return None
    for name in ("ReplicaFailure", "Progressing", "Available"):
        bad = "True" if name == "ReplicaFailure" else "False"
        if _is(conditions, name, bad):
            return _words(conditions[name])
    return f"{status.get('availableReplicas', 0)} of its pods are available"


def route_taken(found: Mapping[str, Any]) -> Taken:
    """Whether the gateways of a route have taken it as it is written now.

    A word that is older than the object speaks of another one, and is waited for.
    """
    generation = found["metadata"].get("generation", 0)
    parents = (found.get("status") or {}).get("parents") or ()
    pending: list[str] = []
    for wanted in found["spec"]["parentRefs"]:
        said = [each for each in parents if _is_same(each.get("parentRef") or {}, wanted, found)]
        if not said:
            pending.append(f"no gateway says anything of it; is there a Gateway {wanted['name']}?")
        for each in said:
            conditions = {c["type"]: c for c in each.get("conditions") or ()}
            refused = next(_refusals(conditions, generation), None)
            if refused is not None:
                return Taken(is_pending=False, problem=refused)
            pending += _missing(conditions, generation)
    return Taken(is_pending=True, problem=pending[0]) if pending else Taken(is_pending=False)


def _refusals(conditions: Mapping[str, Object], generation: int) -> Iterator[str]:
    for name in (*_REQUIRED, _PARTIAL):
        bad = "True" if name == _PARTIAL else "False"
        if _is_current(conditions, name, generation) and _is(conditions, name, bad):
            yield _words(conditions[name])


def _missing(conditions: Mapping[str, Object], generation: int) -> list[str]:
    """What has not been said of this generation; `Programmed: False` means "not yet"."""
    asked = [*_REQUIRED, *([_OPTIONAL] if _OPTIONAL in conditions else [])]
    return [
        f"{name} is not said of generation {generation}"
        for name in asked
        if not (_is_current(conditions, name, generation) and _is(conditions, name, "True"))
    ]


def _is_current(conditions: Mapping[str, Object], name: str, generation: int) -> bool:
    return name in conditions and conditions[name].get("observedGeneration", 0) >= generation


def _is(conditions: Mapping[str, Object], name: str, status: str) -> bool:
    return name in conditions and conditions[name]["status"] == status


def _is_same(said: Mapping[str, Any], wanted: Mapping[str, Any], route: Mapping[str, Any]) -> bool:
    """Whether two references name one Gateway; without a namespace they mean the route's."""
    here = route["metadata"].get("namespace")
    keys = (said.get("namespace", here), said.get("name"))
    return keys == (wanted.get("namespace", here), wanted["name"])


def _words(condition: Mapping[str, Any]) -> str:
    told = f"{condition.get('reason', 'no reason')}: {condition.get('message') or 'no message'}"
    return f"{condition['type']} is {condition['status']}, {told}"
