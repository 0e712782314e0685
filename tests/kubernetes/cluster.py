"""What an API server stores, and how it changes: applies, patches and removals, on conditions."""

from __future__ import annotations

import copy
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.kubernetes import applying, schema

NAMESPACE = "evergreen"
GATEWAY_API = "gateway.networking.k8s.io/v1"
KINDS = {
    ("v1", "services"): "Service",
    ("v1", "serviceaccounts"): "ServiceAccount",
    ("apps/v1", "deployments"): "Deployment",
    ("autoscaling/v2", "horizontalpodautoscalers"): "HorizontalPodAutoscaler",
    ("policy/v1", "poddisruptionbudgets"): "PodDisruptionBudget",
    ("networking.k8s.io/v1", "networkpolicies"): "NetworkPolicy",
    (GATEWAY_API, "httproutes"): "HTTPRoute",
    (GATEWAY_API, "grpcroutes"): "GRPCRoute",
}

Object = dict[str, Any]
Key = tuple[str, str]  # plural, name


class RefusedError(Exception):
    """An answer that is no success: its status, and what a `Status` says."""

    def __init__(self, status: int, reason: str, message: str, causes: list[Any] | None = None):
        super().__init__(message)
        self.status, self.reason, self.message, self.causes = status, reason, message, causes


@dataclass
class Cluster:
    """What is stored, and how its controllers behave.

    Attributes:
        broken: names of Deployments whose pods never become ready.
        down: names of Deployments that lost all their pods.
        refused: names of routes that the gateway does not accept.
        silent: whether the gateway says nothing of any route.
        without: kinds that are not installed.
        answers: what is answered instead, each once, by "METHOD plural"; Retry-After is 0.
        before_apply: is called before each apply, as somebody who is faster.
        delay_seconds: until a status is written.
        changes: every new spec of a route, as (name, object).
        requests: what was asked.
        used: the rights that this took: group, resource, verb.
    """

    objects: dict[Key, Object] = field(default_factory=dict)
    owners: dict[Key, dict[str, set[applying.Path]]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    down: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    silent: bool = False
    without: set[str] = field(default_factory=set)
    answers: dict[str, list[int]] = field(default_factory=dict)
    before_apply: Callable[[str, str], None] = lambda plural, name: None
    delay_seconds: float = 0.02
    slow_seconds: float = 0.0
    changes: list[tuple[str, Object]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    used: set[tuple[str, str, str]] = field(default_factory=set)
    removed: list[str] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    revision: int = 100
    written: dict[Key, float] = field(default_factory=dict)

    # -- what tests ask
    def names(self, plural: str) -> list[str]:
        with self.lock:
            return sorted(name for kind, name in self.objects if kind == plural)

    def get(self, plural: str, name: str) -> Object:
        with self.lock:
            return copy.deepcopy(self.objects[plural, name])

    def weights(self, name: str = "flights", plural: str = "httproutes") -> dict[str, int]:
        """By Service, of the first rule that has several backends or one."""
        [rule, *_] = self.get(plural, name)["spec"]["rules"]
        return {each["name"]: each["weight"] for each in rule["backendRefs"] if each["weight"]}

    # -- what the API does
    def listed(self, api: str, plural: str, query: dict[str, str]) -> Object:
        wanted = dict(part.split("=") for part in query.get("labelSelector", "").split(",") if part)
        with self.lock:
            found = [
                copy.deepcopy(each)
                for (kind, _), each in sorted(self.objects.items())
                if kind == plural
                and wanted.items() <= (each["metadata"].get("labels") or {}).items()
            ]
        start, limit = int(query.get("continue", "0")), int(query.get("limit", "500"))
        page = found[start : start + limit]
        for each in page:
            del each["apiVersion"], each["kind"]
        metadata: Object = {"resourceVersion": str(self.revision)}
        if start + limit < len(found):
            metadata["continue"] = str(start + limit)
        return {"kind": f"{KINDS[api, plural]}List", "metadata": metadata, "items": page}

    def apply(self, key: Key, sent: Object, manager: str) -> tuple[Object, int]:
        wrong = schema.problems(_meant(sent))
        if wrong:
            causes = [{"field": where, "message": why} for where, why in wrong]
            raise RefusedError(422, "Invalid", f"{sent['kind']} {key[1]!r} is invalid", causes)
        with self.lock:
            before = self.objects.get(key)
            self._check_preconditions(before, sent["metadata"])
            fields = applying.owned_fields(sent)
            owners = self.owners.setdefault(key, {})
            others = set().union(*(each for name, each in owners.items() if name != manager))
            dropped = owners.get(manager, set()) - fields - others
            owners[manager] = fields
            content = copy.deepcopy(sent)
            for name in ("resourceVersion", "uid"):
                content["metadata"].pop(name, None)
            if before is None:
                return self._created(key, content), 201
            return self._updated(key, applying.merged(before, content, dropped)), 200

    def patch(self, key: Key, sent: Object, manager: str) -> Object:
        with self.lock:
            before = self.there(key)
            self._check_preconditions(before, sent.get("metadata", {}))
            self.owners.setdefault(key, {}).setdefault(f"{manager}/update", set()).update(
                applying.owned_fields(sent)
            )
            changed = applying.merge_patched(before, sent)
            changed["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"]
            return self._updated(key, changed)

    def delete(self, key: Key, options: Object) -> Object:
        with self.lock:
            before = self.there(key)
            self._check_preconditions(before, options.get("preconditions", {}))
            self.remove(key)
            return before

    def _created(self, key: Key, content: Object) -> Object:
        metadata = content["metadata"]
        metadata |= {"uid": str(uuid.uuid4()), "generation": 1, "namespace": NAMESPACE}
        self.objects[key] = content
        self._note(key, content)
        return copy.deepcopy(content)

    def _updated(self, key: Key, content: Object) -> Object:
        before = self.objects[key]
        if content == before:
            return copy.deepcopy(before)
        if content.get("spec") != before.get("spec"):
            content["metadata"]["generation"] += 1
        self.objects[key] = content
        self._note(key, content)
        return copy.deepcopy(content)

    def _note(self, key: Key, content: Object) -> None:
        self.touch(content)
        self.written[key] = time.monotonic()
        if key[0] in {"httproutes", "grpcroutes"}:
            self.changes.append((f"{key[0]}/{key[1]}", copy.deepcopy(content)))

    def touch(self, found: Object) -> None:
        self.revision += 1
        found["metadata"]["resourceVersion"] = str(self.revision)

    def remove(self, key: Key) -> None:
        del self.objects[key]
        self.owners.pop(key, None)
        self.removed.append("/".join(key))

    def there(self, key: Key) -> Object:
        if key not in self.objects:
            raise RefusedError(404, "NotFound", f"{key[0]} {key[1]!r} not found")
        return self.objects[key]

    def _check_preconditions(self, before: Object | None, wanted: Object) -> None:
        for name in ("uid", "resourceVersion"):
            if name in wanted and (before is None or before["metadata"][name] != wanted[name]):
                message = "the object has been modified; please apply your changes to the latest"
                raise RefusedError(409, "Conflict", message)


def _meant(sent: Object) -> Object:
    """An object without what only says which state of it is meant."""
    metadata = {k: v for k, v in sent["metadata"].items() if k not in {"resourceVersion", "uid"}}
    return {**sent, "metadata": metadata}
