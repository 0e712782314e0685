"""The protocol's routes over HTTP, `/v2/...`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec

from pipelines.errors import CellError, RequestError
from pipelines.serving.answering import Answering
from pipelines.serving.asgi import JSON, Message, Receive, Send, header, refuse, require, respond
from pipelines.serving.bodies import Bodies, ClientGoneError
from pipelines.serving.context import MODEL_VERSION, REQUEST_ID, Asked, asked
from pipelines.serving.inference_protocol import metadata
from pipelines.serving.inference_protocol.rest_form import (
    HEADER_LENGTH,
    RestForm,
)
from pipelines.serving.problems import refused

PREFIX = "/v2"
_OCTETS = "application/octet-stream"
_JSON = (b"content-type", JSON.encode())
_BINARY = (b"content-type", _OCTETS.encode())


class RestDoor:
    """Answers every path that begins with `/v2`.

    Args:
        answering: the model.
        bodies: reads those of requests.
        release: of the server itself, for its metadata.
    """

    def __init__(self, answering: Answering, bodies: Bodies, release: str) -> None:
        self._answering = answering
        self._bodies = bodies
        self._model = answering.model
        self._release = release
        name = f"{PREFIX}/models/{self._model.name}"
        # The paths that nearly all requests have, found without taking them apart.
        self._infer = frozenset({f"{name}/infer", f"{name}/versions/{self._model.version}/infer"})

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        known = asked("rest", scope["headers"])
        told = [
            (REQUEST_ID, known.request_id.encode()),
            (MODEL_VERSION, self._model.version.encode()),
        ]
        try:
            if scope["path"] in self._infer or self._route(scope["path"]) == "infer":
                require(scope, "POST", JSON, _OCTETS)
                await self._answer(scope, receive, send, known, told)
                return
            require(scope, "GET")
            body = self._about(scope["path"])
            told.append(_JSON)
            await respond(send, HTTPStatus.OK, told, body)
        except (RequestError, CellError) as error:
            status = await refuse(send, error, told)
            self._answering.through(known, status)
        except ClientGoneError:
            raise
        except Exception:
            self._answering.through(known, HTTPStatus.INTERNAL_SERVER_ERROR)
            raise  # the front door answers, and logs

    async def _answer(
        self,
        scope: Message,
        receive: Receive,
        send: Send,
        known: Asked,
        told: list[tuple[bytes, bytes]],
    ) -> None:
        body = await self._bodies.read(receive)
        form = RestForm(self._model, body, header(scope, HEADER_LENGTH))
        (content, json_length), rows = await self._answering.answer(known, form)
        if json_length is None:
            told.append(_JSON)
        else:
            told += [_BINARY, (HEADER_LENGTH, str(json_length).encode())]
        await respond(send, HTTPStatus.OK, told, content)
        self._answering.through(known, HTTPStatus.OK, rows)

    def _about(self, path: str) -> bytes:
        """What the server tells of itself.

        Raises:
            RequestError: 404, there is no such path or model.
        """
        told: dict[str, Any]
        route = self._route(path)
        if route == "server":
            told = metadata.server_metadata(self._release)
        elif route == "model":
            told = metadata.model_metadata(self._model)
        elif route == "live":
            told = {"live": True}
        else:  # a server that is not ready answers nothing at all
            told = {"ready": True}
        return msgspec.json.encode(told)

    def _route(self, path: str) -> str:
        """Which of server, live, ready, model or infer a path asks for; RequestError for none."""
        parts = tuple(path.split("/")[2:])  # the server has decoded %xx already
        if parts in ((), ("",)):
            return "server"
        if parts in (("health", "live"), ("health", "ready")):
            return parts[1]
        if parts[0] != "models" or len(parts) < 2:
            raise _not_found(path, f"the protocol's paths begin with {PREFIX}/models or health")
        if parts[1] != self._model.name:
            raise _not_found(path, f"the model that is served here is {self._model.name}")
        rest = parts[2:]
        if len(rest) >= 2 and rest[0] == "versions":
            if not rest[1] or not metadata.names_version(rest[1], self._model):
                raise _not_found(path, f"the version that is served here is {self._model.version}")
            rest = rest[2:]
        if rest == ():
            return "model"
        if rest in (("ready",), ("infer",)):
            return rest[0]
        raise _not_found(path, "a model has `ready` and `infer`")


def _not_found(path: str, next_step: str) -> RequestError:
    return refused(f"there is no {path[:120]!r}", "path", next_step, HTTPStatus.NOT_FOUND)
