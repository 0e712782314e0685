"""An API server over real HTTPS, which holds requests to the committed role. It runs no pod."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme
import uvicorn
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from tests.architecture.source import ROOT
from tests.kubernetes import controllers
from tests.kubernetes.cluster import KINDS, NAMESPACE, Cluster, Key, RefusedError
from tests.waiting import until

RBAC = ROOT / "deployments" / "kubernetes" / "controller" / "rbac.yaml"
TOKEN = "token-of-the-controller"
_VERBS = {"PATCH": "patch", "DELETE": "delete", "GET": "get"}


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


def _status_of(refused: RefusedError) -> Response:
    return JSONResponse(
        {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "code": refused.status,
            "reason": refused.reason,
            "message": refused.message,
            "details": {"causes": refused.causes or []},
        },
        refused.status,
    )


def _answer(
    cluster: Cluster, allowed: set[tuple[str, str, str]], request: Request, body: bytes
) -> Response:
    try:
        return _respond(cluster, allowed, request, body)
    except RefusedError as refused:
        return _status_of(refused)


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
        answer = _status_of(RefusedError(status, "Planned", "as the test wants it"))
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
            return JSONResponse(cluster.there((plural, name)))
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
            controllers.settle_once(cluster)

    threads = [threading.Thread(target=each, daemon=True) for each in (server.run, control)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Serving(f"https://127.0.0.1:{port}", authority.cert_pem.bytes())
    finally:
        stopped.set()
        server.should_exit = True
        for thread in threads:
            thread.join(timeout=10)
