"""What the controllers of a cluster would write and remove, a moment after each change."""

from __future__ import annotations

import time

from tests.kubernetes.cluster import Cluster, Key, Object


def settle_once(cluster: Cluster) -> None:
    """What controllers do, for objects that were written a moment ago."""
    with cluster.lock:
        now = time.monotonic()
        for key, found in list(cluster.objects.items()):
            if now - cluster.written.get(key, 0.0) < cluster.delay_seconds:
                continue
            status = _status(cluster, key, found)
            if status is not None and status != found.get("status"):
                found["status"] = status
                cluster.touch(found)
        uids = {each["metadata"]["uid"] for each in cluster.objects.values()}
        for key, found in list(cluster.objects.items()):
            owners = found["metadata"].get("ownerReferences") or []
            if owners and not any(each["uid"] in uids for each in owners):
                cluster.remove(key)


def _status(cluster: Cluster, key: Key, found: Object) -> Object | None:
    plural, name = key
    generation = found["metadata"]["generation"]
    if plural == "deployments":
        pods = 0 if name in cluster.broken | cluster.down else 2
        available = {"type": "Available", "status": "True" if pods else "False"}
        reason = "MinimumReplicasAvailable" if pods else "MinimumReplicasUnavailable"
        told = {"reason": reason, "message": f"{pods} pods"}
        return {
            "observedGeneration": generation,
            "replicas": 2,
            "updatedReplicas": 2,
            "availableReplicas": pods,
            "conditions": [{**available, **told}],
        }
    if plural in {"httproutes", "grpcroutes"} and not cluster.silent:
        return {"parents": [_parent(cluster, found, each) for each in found["spec"]["parentRefs"]]}
    return found.get("status")


def _parent(cluster: Cluster, route: Object, reference: Object) -> Object:
    generation = route["metadata"]["generation"]

    def condition(name: str, is_true: bool, bad: str) -> Object:
        told = {"status": "True" if is_true else "False", "observedGeneration": generation}
        return {"type": name, "reason": name if is_true else bad, "message": "", **told}

    is_accepted = route["metadata"]["name"] not in cluster.refused
    is_resolved = all(("services", name) in cluster.objects for name in backends(route))
    return {
        "parentRef": reference,
        "controllerName": "example.org/gateway",
        "conditions": [
            condition("Accepted", is_accepted, "NotAllowedByListeners"),
            condition("ResolvedRefs", is_resolved, "BackendNotFound"),
        ],
    }


def backends(route: Object) -> set[str]:
    """The Services that a route names."""
    rules = route["spec"]["rules"]
    found = {each["name"] for rule in rules for each in rule.get("backendRefs", [])}
    mirrors = [f["requestMirror"] for r in rules for f in r["filters"] if "requestMirror" in f]
    return found | {each["backendRef"]["name"] for each in mirrors}
