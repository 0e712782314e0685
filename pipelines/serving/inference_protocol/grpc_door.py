"""The protocol over gRPC, in the same process and on the same event loop as HTTP.

Every worker listens on the same port (SO_REUSEPORT), and the kernel deals connections out.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from pipelines.errors import CellError, ModelError, RequestError
from pipelines.serving.answering import Answering
from pipelines.serving.context import MODEL_VERSION, REQUEST_ID, asked
from pipelines.serving.identity import Verifier
from pipelines.serving.inference_protocol import metadata
from pipelines.serving.inference_protocol.generated import open_inference_pb2 as pb
from pipelines.serving.inference_protocol.grpc_form import GrpcForm, read_message
from pipelines.serving.problems import UNACCEPTABLE, failed

SERVICE = "inference.GRPCInferenceService"
DRAIN_SECONDS = 5.0
_LOGGER = logging.getLogger(__name__)
_CODES = {
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    500: grpc.StatusCode.INTERNAL,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}
Context = Any
Method = Callable[[Any, Context], Awaitable[Any]]


class GrpcDoor:
    """A gRPC server: the protocol's service, health and reflection.

    Args:
        answering: the model.
        release: of the server itself, for its metadata.
        verifier: lets calls in by their token; None lets in everybody.
    """

    def __init__(
        self, answering: Answering, release: str, verifier: Verifier | None = None
    ) -> None:
        self._answering = answering
        self._model = answering.model
        self._release = release
        self._verifier = verifier
        self._health = health.aio.HealthServicer()
        self._server: Any = None

    async def open(self, address: str) -> int:
        """Begin to listen, and return the port.

        Args:
            address: HOST:PORT; the port 0 stands for any that is free.

        Raises:
            ModelError: it cannot listen there.
        """
        server = grpc.aio.server(
            interceptors=[] if self._verifier is None else [_Guard(self._verifier)],
            options=[
                ("grpc.so_reuseport", 1),
                ("grpc.max_receive_message_length", self._model.policy.max_body_bytes),
            ],
        )
        server.add_generic_rpc_handlers((self._methods(),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        reflection.enable_server_reflection(
            (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), server
        )
        try:
            port: int = server.add_insecure_port(address)
        except RuntimeError as error:
            raise ModelError(
                f"gRPC cannot listen: {error}",
                where=address,
                next_step="end what listens there, or choose another port (EVERGREEN_GRPC)",
            ) from error
        await server.start()
        for name in ("", SERVICE):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        self._server = server
        return port

    async def close(self) -> None:
        """Answer what is being answered, and take nothing new."""
        if self._server is not None:
            await self._health.enter_graceful_shutdown()
            await self._server.stop(DRAIN_SECONDS)
            self._server = None

    def _methods(self) -> grpc.GenericRpcHandler:
        # gRPC answers UNKNOWN, with a traceback in the log, to bytes that its own deserializer
        # cannot read; so it is given none, and every method has bytes in and bytes out.
        def method(behaviour: Method, request: Any) -> grpc.RpcMethodHandler:
            async def answer(content: bytes, context: Context) -> bytes:
                asked_for = await _read_or_abort(request, content, context)
                told: bytes = (await behaviour(asked_for, context)).SerializeToString()
                return told

            return grpc.unary_unary_rpc_method_handler(answer)

        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "ServerLive": method(self._server_live, pb.ServerLiveRequest),
                "ServerReady": method(self._server_ready, pb.ServerReadyRequest),
                "ServerMetadata": method(self._server_metadata, pb.ServerMetadataRequest),
                "ModelReady": method(self._model_ready, pb.ModelReadyRequest),
                "ModelMetadata": method(self._model_metadata, pb.ModelMetadataRequest),
                "ModelInfer": grpc.unary_unary_rpc_method_handler(self._infer),
            },
        )

    async def _server_live(self, request: Any, context: Context) -> Any:  # noqa: ARG002
        return pb.ServerLiveResponse(live=True)

    async def _server_ready(self, request: Any, context: Context) -> Any:  # noqa: ARG002
        return pb.ServerReadyResponse(ready=True)

    async def _server_metadata(self, request: Any, context: Context) -> Any:  # noqa: ARG002
        return pb.ServerMetadataResponse(**metadata.server_metadata(self._release))

    async def _model_ready(self, request: Any, context: Context) -> Any:
        await self._known(request.name, request.version, context)
        return pb.ModelReadyResponse(ready=True)

    async def _model_metadata(self, request: Any, context: Context) -> Any:
        await self._known(request.name, request.version, context)
        return pb.ModelMetadataResponse(**metadata.model_metadata(self._model))

    async def _known(self, name: str, version: str, context: Context) -> None:
        try:
            metadata.require_model(name, version, self._model)
        except RequestError as error:
            await context.abort(_CODES[error.status], _said(error))

    async def _infer(self, content: bytes, context: Context) -> Any:
        known = asked("grpc", _bytes(context.invocation_metadata()))
        context.set_trailing_metadata(
            (
                (REQUEST_ID.decode(), known.request_id),
                (MODEL_VERSION.decode(), self._model.version),
            )
        )
        try:
            answer, rows = await self._answering.answer(known, GrpcForm(self._model, content))
            self._answering.through(known, 200, rows)
            return answer
        except (RequestError, CellError) as error:
            status = error.status if isinstance(error, RequestError) else UNACCEPTABLE
            code = _CODES.get(status, grpc.StatusCode.INVALID_ARGUMENT)
            said = _said(error)
        except Exception:
            _LOGGER.exception("request %s failed", known.request_id)
            status, code = 500, grpc.StatusCode.INTERNAL
            said = _said(failed(known.request_id))
        self._answering.through(known, status)
        # Outside of the handlers above, because it raises.
        return await context.abort(code, said)


class _Guard(grpc.aio.ServerInterceptor):
    """Refuses calls without a token; health stays open, for those who probe."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], details: Any
    ) -> Any:
        service, _, method = details.method.removeprefix("/").rpartition("/")
        if service == health.SERVICE_NAME:
            return await continuation(details)
        try:
            headers = _bytes(details.invocation_metadata)
            self._verifier.require_call(method, headers)
        except RequestError as error:
            return _refusing(error, is_streaming=service == reflection.SERVICE_NAME)
        return await continuation(details)


def _refusing(error: RequestError, *, is_streaming: bool) -> grpc.RpcMethodHandler:
    async def refuse(_request: object, context: Context) -> None:
        await context.abort(_CODES[error.status], _said(error))

    if is_streaming:
        return grpc.stream_stream_rpc_method_handler(refuse)
    return grpc.unary_unary_rpc_method_handler(refuse)


async def _read_or_abort(kind: Any, content: bytes, context: Context) -> Any:
    try:
        return read_message(kind, content)
    except RequestError as error:
        return await context.abort(grpc.StatusCode.INVALID_ARGUMENT, _said(error))


def _bytes(told: Any) -> list[tuple[bytes, bytes]]:
    return [
        (key.encode(), value.encode() if isinstance(value, str) else value) for key, value in told
    ]


def _said(error: RequestError | CellError) -> str:
    return f"{error.where}: {error.problem}; {error.next_step}"
