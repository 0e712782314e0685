"""The door that every HTTP request comes through first.

BentoML puts middleware of a service behind its own, which costs several times what answering a
row does (spans, a timer and a task for each request). So this one moves to the front when the
server starts: the protocol's routes are answered here, and everything else goes on to BentoML with
a body of bounded size.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus

from pipelines.errors import CellError, RequestError
from pipelines.serving.asgi import (
    JSON,
    App,
    Headers,
    Message,
    Receive,
    Send,
    refuse,
    replay,
    require,
)
from pipelines.serving.bodies import Bodies, ClientGoneError
from pipelines.serving.context import MODEL_VERSION, REQUEST_ID, Asked, asked
from pipelines.serving.problems import failed, refused

_LOGGER = logging.getLogger(__name__)
PREDICT = "/predict"
# Where the service finds the request as it came: its time begins before its body is there.
ASKED = "evergreen.asked"
# What BentoML answers, and to which method; anything else is not found.
_BENTOML = {
    PREDICT: "POST",
    **dict.fromkeys(("/livez", "/readyz", "/healthz", "/schema.json"), "GET"),
}
_ASSETS = "/static_content/"


class Doors:
    """The routes that do not go to BentoML; empty until the model is open."""

    def __init__(self) -> None:
        self.exact: dict[str, App] = {}
        self.prefixes: dict[str, App] = {}
        self.bodies = Bodies(0, 0.0)
        self.version = ""
        self.through: Callable[[Asked, int], None] = lambda _asked, _status: None
        self.guard: Callable[[str, Headers], None] = lambda _path, _headers: None

    def find(self, path: str) -> App | None:
        if (exact := self.exact.get(path)) is not None:
            return exact
        for prefix, door in self.prefixes.items():
            if path == prefix or path.startswith(prefix + "/"):
                return door
        return None


class Front:
    """ASGI middleware; see the module."""

    def __init__(self, app: App, doors: Doors) -> None:
        self._app = app
        self._doors = doors
        self._has_moved = False

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" and not self._has_moved:
            self._has_moved = True
            application = scope["app"]
            application.middleware_stack = _First(application.middleware_stack, self._doors)
        await self._app(scope, receive, send)


class _First:
    def __init__(self, app: App, doors: Doors) -> None:
        self._app = app
        self._doors = doors

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        door = self._doors.find(scope["path"])
        begun = Begun(send)
        try:
            self._doors.guard(scope["path"], scope["headers"])
            if door is not None:
                await door(scope, receive, begun)
            else:
                await self._bentoml(scope, receive, begun)
        except ClientGoneError:
            return
        except (RequestError, CellError) as error:
            await self._refuse(scope, send, error)
        except Exception:
            request_id = asked("rest", scope["headers"]).request_id
            _LOGGER.exception("request %s failed", request_id)
            if begun.has_begun:
                raise  # half an answer is out: the connection has to break
            await refuse(send, failed(request_id), self._told(request_id))

    async def _refuse(self, scope: Message, send: Send, error: RequestError | CellError) -> None:
        known = asked("predict", scope["headers"])
        status = await refuse(send, error, self._told(known.request_id))
        if scope["path"] == PREDICT:  # what comes as far as the service is counted there
            self._doors.through(known, status)

    def _told(self, request_id: str) -> list[tuple[bytes, bytes]]:
        version = self._doors.version.encode()
        return [(REQUEST_ID, request_id.encode()), (MODEL_VERSION, version)]

    async def _bentoml(self, scope: Message, receive: Receive, send: Send) -> None:
        path = scope["path"]
        method = _BENTOML.get(path, "GET" if path.startswith(_ASSETS) else None)
        if method is None:
            raise refused(
                f"there is no {path[:120]!r}",
                "path",
                "see /docs.json for what there is",
                HTTPStatus.NOT_FOUND,
            )
        # BentoML would take pickles, and log a traceback for each that it refuses.
        require(scope, method, *([JSON] if method == "POST" else []))
        if path == PREDICT:
            scope[ASKED] = asked("predict", scope["headers"])
        body = await self._doors.bodies.read(receive)
        await self._app(scope, replay(body, receive), send)


class Begun:
    """A `send` that remembers whether an answer has begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        self.has_begun = True
        await self._send(message)
