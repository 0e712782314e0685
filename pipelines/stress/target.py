"""The server that is put under load, and leave to do so."""

from __future__ import annotations

import http.client
import ipaddress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import grpc

from pipelines.errors import SettingsError, StressError
from pipelines.stress.doors import GRPC_METHOD, Door

_TIMEOUT_SECONDS = 10.0
JSON = "application/json"


@dataclass(frozen=True)
class Target:
    """Where the load goes.

    Attributes:
        scheme: `http` or `https`.
        host: a name or an address.
        port: of TCP.
    """

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, url: str) -> Target:
        """Read `http://HOST:PORT`.

        Raises:
            SettingsError: it is another kind of address, or has a path or a password in it.
        """
        try:
            parts = urlsplit(url)
            port = parts.port or {"http": 80, "https": 443}[parts.scheme]
            is_plain = parts.path in {"", "/"} and not (parts.query or parts.fragment)
            if parts.hostname and is_plain and "@" not in parts.netloc:
                return cls(parts.scheme, parts.hostname, port)
        except (ValueError, KeyError):
            pass  # as any other that is none: refused below
        raise SettingsError(
            f"not the address of a server: {url!r}",
            where="--url",
            next_step="write it as http://HOST:PORT, without a path",
        )

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether the address cannot leave this machine; names but `localhost` could."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def require_leave(self, host: str | None) -> None:
        """Refuse to load somebody's server by a slip of the keyboard.

        Raises:
            SettingsError: it is not on this machine, and `host` does not repeat its name.
        """
        if self.is_loopback or host == self.host:
            return
        raise SettingsError(
            f"{self.host} is not this machine, and a load test of a server that you may not load "
            "is an attack",
            where="--url",
            next_step=f"if it is yours to load, say so with --allow-load-on {self.host}",
        )

    def channel(self, kind: Any = grpc) -> Any:
        """A connection of its own for gRPC; `kind` is grpc, or grpc.aio."""
        address = self.url.partition("://")[2]
        options = [("grpc.use_local_subchannel_pool", 1)]
        if self.scheme == "https":
            return kind.secure_channel(address, grpc.ssl_channel_credentials(), options=options)
        return kind.insecure_channel(address, options=options)

    def require(self, door: Door, body: bytes, model: str, version: str) -> None:
        """Ask for one row, to know that it answers and as whom.

        Raises:
            StressError: it does not answer a prediction, or serves another version.
        """
        path = door.path(model)
        content = self._called(path, body) if path == GRPC_METHOD else self._posted(path, body)
        try:
            seen = door.read(content)
        except ValueError as error:
            raise self._fault(repr(error)) from error
        if (seen.model, seen.version) != (model, version):
            raise StressError(
                f"serves {seen.model}@{seen.version}, not {model}@{version}",
                where=self.url,
                next_step=f"name what it serves (`evergreen stress {seen.model}@{seen.version}`)",
            )

    def _called(self, method: str, message: bytes) -> bytes:
        with self.channel() as channel:
            try:
                return bytes(channel.unary_unary(method)(message, timeout=_TIMEOUT_SECONDS))
            except grpc.RpcError as error:
                raise self._fault(f"{error.code().name}: {error.details()}") from error

    def _posted(self, path: str, body: bytes) -> bytes:
        https = self.scheme == "https"
        kind = http.client.HTTPSConnection if https else http.client.HTTPConnection
        connection = kind(self.host, self.port, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request("POST", path, body, {"Content-Type": JSON})
            response = connection.getresponse()
            content = response.read()
            if response.status != http.HTTPStatus.OK:
                raise self._fault(f"status {response.status}: {content[:300]!r}")
            return content
        except (OSError, http.client.HTTPException) as error:
            raise self._fault(repr(error)) from error
        finally:
            connection.close()

    def _fault(self, problem: str) -> StressError:
        return StressError(
            f"does not answer a prediction: {problem}",
            where=self.url,
            next_step="start it (`evergreen serve MODEL`), or leave --url away for one of its own",
        )
