"""Small real model servers: uvicorn and grpc.aio on one event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import grpc
import uvicorn
from grpc_health.v1 import health, health_pb2_grpc

from pipelines.gateway import Endpoint
from pipelines.ports import free_ports
from pipelines.serving.inference_protocol.generated import open_inference_pb2 as pb

HANG_SECONDS = 60.0
_ABORTS = {500: grpc.StatusCode.INTERNAL, 503: grpc.StatusCode.UNAVAILABLE}


@dataclass(frozen=True)
class Seen:
    """A request as it reached a server."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Upstream:
    """One server of one version.

    Attributes:
        status: what it answers predictions with; None to hang.
        delay: seconds before it does.
        is_ready: what its health check is told.
    """

    version: str
    port: int
    grpc_port: int
    status: int | None = 200
    delay: float = 0.0
    is_ready: bool = True
    seen: list[Seen] = field(default_factory=list)
    calls: list[dict[str, str]] = field(default_factory=list)

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint("127.0.0.1", self.port, self.grpc_port)

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] == "/readyz":
            await _answer(send, 200 if self.is_ready else 503, b"")
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = {key.decode(): value.decode() for key, value in scope["headers"]}
        self.seen.append(Seen(scope["path"], headers, body))
        await asyncio.sleep(HANG_SECONDS if self.status is None else self.delay)
        told = {"version": self.version, "path": scope["path"]}
        await _answer(send, self.status or 200, json.dumps(told).encode())

    async def infer(self, request: Any, context: Any) -> Any:
        self.calls.append(dict(context.invocation_metadata()))
        await asyncio.sleep(HANG_SECONDS if self.status is None else self.delay)
        if self.status in _ABORTS:
            await context.abort(_ABORTS[self.status], "planted")
        return pb.ModelInferResponse(model_name=request.model_name, model_version=self.version)

    async def ready(self, request: Any, context: Any) -> Any:
        return pb.ModelReadyResponse(ready=True)


async def _answer(send: Any, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class _Server(uvicorn.Server):
    def install_signal_handlers(self) -> None:
        """The test run has its own."""


class Fleet:
    """Servers that are started and ended one by one."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._running: dict[int, tuple[_Server, asyncio.Task[None], Any]] = {}

    def start(self, version: str, **settings: Any) -> Upstream:
        upstream = Upstream(version, *free_ports(2), **settings)
        self.open(upstream)
        return upstream

    def open(self, upstream: Upstream) -> None:
        self._wait(self._open(upstream))

    def end(self, upstream: Upstream) -> None:
        """At once, as a crash would."""
        self._wait(self._end(upstream.port))

    def close(self) -> None:
        for port in list(self._running):
            self._wait(self._end(port))
        self._wait(_cancel_others())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()

    def _wait(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _open(self, upstream: Upstream) -> None:
        config = uvicorn.Config(
            upstream.app,
            "127.0.0.1",
            upstream.port,
            log_level="error",
            lifespan="off",
            interface="asgi3",
        )
        server = _Server(config)
        task = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.005)
        calls = grpc.aio.server()
        calls.add_generic_rpc_handlers((_methods(upstream),))
        health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), calls)
        calls.add_insecure_port(f"127.0.0.1:{upstream.grpc_port}")
        await calls.start()
        self._running[upstream.port] = (server, task, calls)

    async def _end(self, port: int) -> None:
        if port not in self._running:
            return
        server, task, calls = self._running.pop(port)
        server.force_exit = server.should_exit = True
        await calls.stop(0)
        await task


async def _cancel_others() -> None:
    """End the answers that still hang."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _methods(upstream: Upstream) -> Any:
    def method(answer: Any, kind: Any) -> Any:
        return grpc.unary_unary_rpc_method_handler(
            answer, kind.FromString, lambda message: message.SerializeToString()
        )

    return grpc.method_handlers_generic_handler(
        "inference.GRPCInferenceService",
        {
            "ModelInfer": method(upstream.infer, pb.ModelInferRequest),
            "ModelReady": method(upstream.ready, pb.ModelReadyRequest),
        },
    )
