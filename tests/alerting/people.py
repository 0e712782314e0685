"""Somebody who is told: a real HTTP server that Apprise posts to."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "s3cr3t-t0ken"


class Person:
    """Listens on a port of its own.

    Attributes:
        told: the messages that came, whatever was answered.
        status: what is answered.
        hangs: whether no answer is given before the end of the test.
        sends_on: where everybody is redirected to, or None.
    """

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.status = 200
        self.hangs = False
        self.sends_on: str | None = None
        self._over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._door())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        """With secrets wherever a URL can have them."""
        return f"json://ann:{SECRET}@{self.address}/{SECRET}?+x-key={SECRET}"

    def close(self) -> None:
        self._over.set()
        self._server.shutdown()
        self._thread.join(60)
        self._server.server_close()

    def _door(self) -> type[BaseHTTPRequestHandler]:
        person = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                person.told.append({**json.loads(body), "path": self.path})
                if person.hangs:
                    person._over.wait(30)
                    return
                self.send_response(302 if person.sends_on else person.status)
                if person.sends_on:
                    self.send_header("location", person.sends_on)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Door
