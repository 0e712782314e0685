"""Connections as a model server wants them: heads are bounded, and an answer is sent at once.

Uvicorn's own keep whatever a client sends before the body, for as long as it takes. Behind the
gateway nobody can do that, but not every server stands behind it. And they send head and body of
an answer one after the other, which is a tenth of what a small answer costs.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn import config
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# As much as Envoy takes; one read of a socket, of 256 KiB at most, may go beyond it.
MOST_HEAD_BYTES = 64 * 2**10
HEAD_SECONDS = 10.0
# What is larger is not copied to be sent together with something else.
_LARGE_BYTES = 64 * 2**10
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class Joining:
    """A transport that sends what is written in one turn of the event loop together."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """As of a transport."""
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)
        if len(data) > _LARGE_BYTES:
            self._flush()

    def close(self) -> None:
        """As of a transport."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        parts, self._parts = self._parts, []
        if parts and not self._transport.is_closing():
            if len(parts[-1]) > _LARGE_BYTES:
                self._transport.writelines(parts)
            else:
                self._transport.write(b"".join(parts))


class Connection(HttpToolsProtocol):
    """A connection that is closed when the head of a request is too large, or does not come."""

    # Before its first request a connection owes one.
    _is_in_head = True
    _head_bytes = 0
    _has_ended = False
    _patience: asyncio.TimerHandle | None = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if isinstance(self.app, ProxyHeadersMiddleware):
            self.app = self.app.app  # nobody here asks where a client is

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(cast(asyncio.Transport, Joining(transport, self.loop)))
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._is_in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        self._wait_no_more()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._has_ended = True
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        self._has_ended = False
        super().data_received(data)
        is_answering = self.cycle is not None and not self.cycle.response_complete
        if self.transport.is_closing() or (is_answering and not self._is_in_head):
            return
        if self._is_in_head and not self._has_ended:  # else most of it may be a body
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES:
                self._refuse(is_answering=is_answering)
                return
        # Uvicorn waits for nothing that follows a byte. It may be half a head, an empty line, or
        # what is left of a body that nobody wanted: a whole head has to be there soon.
        if self._patience is None:
            self._wait()

    def _refuse(self, *, is_answering: bool) -> None:
        if is_answering:  # an answer to this request would be taken for one to the other
            self.flow.pause_reading()
        else:
            self.transport.write(_TOO_LARGE)
        self.shutdown()

    def _wait(self) -> None:
        # Uvicorn's own end of a connection: after the answer, if one is under way.
        self._patience = self.loop.call_later(HEAD_SECONDS, self.shutdown)

    def _wait_no_more(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


def use() -> None:
    """Have Uvicorn make its connections so; BentoML starts it, and names no kind."""
    config.HTTP_PROTOCOLS["auto"] = f"{__name__}:{Connection.__name__}"
