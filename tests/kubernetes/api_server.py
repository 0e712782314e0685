"""An API server over real HTTPS: storage, server-side apply, schemas, roles, and controllers.

It runs no pod. What a cluster's controllers would write into the status of an object is written
after a moment by `Cluster.settle_once`, as tests tell it to go.
"""

from __future__ import annotations

import asyncio
import copy
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme
import uvicorn
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from tests.architecture.source import ROOT
from tests.kubernetes import applying, schema

RBAC = ROOT / "deployments" / "kubernetes" / "controller" / "rbac.yaml"
NAMESPACE = "evergreen"
TOKEN = "token-of-the-controller"
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
_VERBS = {"PATCH": "patch", "DELETE": "delete", "GET": "get"}

Object = dict[str, Any]
Key = tuple[str, str]  # plural, name


class RefusedError(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, reason: str, message: str, causes: list[Any] | None = None):
        super().__init__(message)
        self.status, self.reason, self.message, self.causes = status, reason, message, causes

    def response(self) -> Response:
        return JSONResponse(
            {
                "kind": "Status",
                "apiVersion": "v1",
                "status": "Failure",
                "code": self.status,
                "reason": self.reason,
                "message": self.message,
                "details": {"causes": self.causes or []},
            },
            self.status,
        )


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
            before = self._there(key)
            self._check_preconditions(before, sent.get("metadata", {}))
            self.owners.setdefault(key, {}).setdefault(f"{manager}/update", set()).update(
                applying.owned_fields(sent)
            )
            changed = applying.merge_patched(before, sent)
            changed["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"]
            return self._updated(key, changed)

    def delete(self, key: Key, options: Object) -> Object:
        with self.lock:
            before = self._there(key)
            self._check_preconditions(before, options.get("preconditions", {}))
            self._remove(key)
            return before

    def settle_once(self) -> None:
        """What controllers do, for objects that were written a moment ago."""
        with self.lock:
            now = time.monotonic()
            for key, found in list(self.objects.items()):
                if now - self.written.get(key, 0.0) < self.delay_seconds:
                    continue
                status = self._status(key, found)
                if status is not None and status != found.get("status"):
                    found["status"] = status
                    self._touch(found)
            uids = {each["metadata"]["uid"] for each in self.objects.values()}
            for key, found in list(self.objects.items()):
                owners = found["metadata"].get("ownerReferences") or []
                if owners and not any(each["uid"] in uids for each in owners):
                    self._remove(key)

    def _status(self, key: Key, found: Object) -> Object | None:
        plural, name = key
        generation = found["metadata"]["generation"]
        if plural == "deployments":
            pods = 0 if name in self.broken | self.down else 2
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
        if plural in {"httproutes", "grpcroutes"} and not self.silent:
            return {"parents": [self._parent(found, each) for each in found["spec"]["parentRefs"]]}
        return found.get("status")

    def _parent(self, route: Object, reference: Object) -> Object:
        generation = route["metadata"]["generation"]

        def condition(name: str, is_true: bool, bad: str) -> Object:
            told = {"status": "True" if is_true else "False", "observedGeneration": generation}
            return {"type": name, "reason": name if is_true else bad, "message": "", **told}

        is_accepted = route["metadata"]["name"] not in self.refused
        is_resolved = all(("services", name) in self.objects for name in backends(route))
        return {
            "parentRef": reference,
            "controllerName": "example.org/gateway",
            "conditions": [
                condition("Accepted", is_accepted, "NotAllowedByListeners"),
                condition("ResolvedRefs", is_resolved, "BackendNotFound"),
            ],
        }

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
        self._touch(content)
        self.written[key] = time.monotonic()
        if key[0] in {"httproutes", "grpcroutes"}:
            self.changes.append((f"{key[0]}/{key[1]}", copy.deepcopy(content)))

    def _touch(self, found: Object) -> None:
        self.revision += 1
        found["metadata"]["resourceVersion"] = str(self.revision)

    def _remove(self, key: Key) -> None:
        del self.objects[key]
        self.owners.pop(key, None)
        self.removed.append("/".join(key))

    def _there(self, key: Key) -> Object:
        if key not in self.objects:
            raise RefusedError(404, "NotFound", f"{key[0]} {key[1]!r} not found")
        return self.objects[key]

    def _check_preconditions(self, before: Object | None, wanted: Object) -> None:
        for name in ("uid", "resourceVersion"):
            if name in wanted and (before is None or before["metadata"][name] != wanted[name]):
                message = "the object has been modified; please apply your changes to the latest"
                raise RefusedError(409, "Conflict", message)


def backends(route: Object) -> set[str]:
    """The Services that a route names."""
    rules = route["spec"]["rules"]
    found = {each["name"] for rule in rules for each in rule.get("backendRefs", [])}
    mirrors = [f["requestMirror"] for r in rules for f in r["filters"] if "requestMirror" in f]
    return found | {each["backendRef"]["name"] for each in mirrors}


def _meant(sent: Object) -> Object:
    """An object without what only says which state of it is meant."""
    metadata = {k: v for k, v in sent["metadata"].items() if k not in {"resourceVersion", "uid"}}
    return {**sent, "metadata": metadata}


def application(cluster: Cluster) -> Starlette:
    """The API as an ASGI application."""
    allowed = allowed_by_role()

    async def endpoint(request: Request) -> Response:
        if cluster.slow_seconds:
            await asyncio.sleep(cluster.slow_seconds)
        body = await request.body()
        # The store is locked, and controllers of a test may wait in it.
        return await asyncio.to_thread(_answer, cluster, allowed, request, body)

    methods = ["GET", "PATCH", "DELETE", "POST", "PUT"]
    return Starlette(routes=[Route("/{path:path}", endpoint, methods=methods)])


def _answer(
    cluster: Cluster, allowed: set[tuple[str, str, str]], request: Request, body: bytes
) -> Response:
    try:
        return _respond(cluster, allowed, request, body)
    except RefusedError as refused:
        return refused.response()


def _respond(
    cluster: Cluster, allowed: set[tuple[str, str, str]], request: Request, body: bytes
) -> Response:
    api, namespace, plural, name = _parts(request.path_params["path"])
    cluster.requests.append(f"{request.method} {plural}/{name or ''}")
    if request.headers.get("authorization") != f"Bearer {TOKEN}":
        raise RefusedError(401, "Unauthorized", "Unauthorized")
    planned = cluster.answers.get(f"{request.method} {plural}")
    if planned:
        status = planned.pop(0)
        answer = RefusedError(status, "Planned", "as the test wants it").response()
        answer.headers["retry-after"] = "0"
        return answer
    if (api, plural) not in KINDS or plural in cluster.without:
        return PlainTextResponse("404 page not found\n", 404)
    verb = "list" if request.method == "GET" and name is None else _VERBS[request.method]
    wanted = [verb]
    if verb == "patch" and (plural, name) not in cluster.objects:
        wanted.append("create")
    group = api.rpartition("/")[0]
    for each in wanted:
        if namespace != NAMESPACE or (group, plural, each) not in allowed:
            message = f'User "evergreen" cannot {each} resource "{plural}" in "{namespace}"'
            raise RefusedError(403, "Forbidden", message)
        cluster.used.add((group, plural, each))
    query = dict(request.query_params)
    if verb == "list":
        return JSONResponse(cluster.listed(api, plural, query))
    assert name is not None
    if verb == "get":
        with cluster.lock:
            return JSONResponse(cluster._there((plural, name)))
    if verb == "delete":
        return JSONResponse(cluster.delete((plural, name), json.loads(body)))
    return _patched(cluster, request.headers["content-type"], (plural, name), query, body)


def _patched(cluster: Cluster, kind: str, key: Key, query: dict[str, str], body: bytes) -> Response:
    if "fieldManager" not in query:
        raise RefusedError(400, "BadRequest", "fieldManager is required for apply patch")
    if kind == "application/merge-patch+json":
        return JSONResponse(cluster.patch(key, json.loads(body), query["fieldManager"]))
    if kind != "application/apply-patch+yaml":
        raise RefusedError(415, "UnsupportedMediaType", kind)
    sent = yaml.safe_load(body)
    if sent["metadata"]["name"] != key[1] or query.get("fieldValidation") != "Strict":
        raise RefusedError(400, "BadRequest", "the name of the object does not match the URL")
    cluster.before_apply(*key)
    found, status = cluster.apply(key, sent, query["fieldManager"])
    return JSONResponse(found, status)


def _parts(path: str) -> tuple[str, str, str, str | None]:
    """`apis/apps/v1/namespaces/x/deployments/y`: API, namespace, plural, name."""
    parts = path.strip("/").split("/")
    api = parts[1:2] if parts[0] == "api" else parts[1:3]
    rest = parts[1 + len(api) :]
    if len(rest) < 3 or rest[0] != "namespaces":
        raise RefusedError(404, "NotFound", path)
    return "/".join(api), rest[1], rest[2], rest[3] if len(rest) > 3 else None


def allowed_by_role() -> set[tuple[str, str, str]]:
    """What the committed role allows: group, resource, verb."""
    documents = list(yaml.safe_load_all(RBAC.read_text(encoding="utf-8")))
    [role] = [each for each in documents if each["kind"] == "Role"]
    return {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


@dataclass(frozen=True)
class Serving:
    """A server that runs.

    Attributes:
        url: of it.
        certificate: of the authority that it is known by, as PEM.
    """

    url: str
    certificate: bytes


@contextmanager
def serving(cluster: Cluster, folder: Path) -> Iterator[Serving]:
    """Serve a cluster on a free loopback port, over TLS, with its controllers at work."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    pem = folder / "server.pem"
    issued.private_key_and_cert_chain_pem.write_to_path(pem)
    config = uvicorn.Config(
        application(cluster),
        host="127.0.0.1",
        port=0,
        ssl_certfile=pem,
        ssl_keyfile=pem,
        log_level="error",
        lifespan="off",
    )
    server = uvicorn.Server(config)
    stopped = threading.Event()

    def control() -> None:
        while not stopped.wait(0.01):
            cluster.settle_once()

    threads = [threading.Thread(target=each, daemon=True) for each in (server.run, control)]
    for thread in threads:
        thread.start()
    try:
        deadline = time.monotonic() + 30
        while not server.started:
            assert time.monotonic() < deadline, "the test server did not start"
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Serving(f"https://127.0.0.1:{port}", authority.cert_pem.bytes())
    finally:
        stopped.set()
        server.should_exit = True
        for thread in threads:
            thread.join(timeout=10)
