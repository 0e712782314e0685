"""Servers that were really started: their processes, and raw bytes over their sockets."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import httpx
import psutil

from pipelines.packaging.server import Server

PATIENCE = 60.0
PROBLEM = b"application/problem+json"
# What the HTTP parser says of bytes that are no request, before anything of ours sees them.
UNPARSED = b"Invalid HTTP request received."


def workers(server: Server) -> list[psutil.Process]:
    """The processes that answer gRPC: the workers, and not the arbiter."""
    children = psutil.Process().children(recursive=True)
    return [process for process in children if _listens(process, server.grpc_port)]


def _listens(process: psutil.Process, port: int) -> bool:
    try:
        connections = process.net_connections("tcp")
    except psutil.NoSuchProcess:
        return False
    return any(
        connection.laddr and connection.laddr.port == port
        for connection in connections
        if connection.status == psutil.CONN_LISTEN
    )


def megabytes(server: Server) -> float:
    """The memory that the workers hold for themselves, in 10**6 bytes."""
    return sum(process.memory_full_info().uss for process in workers(server)) / 1e6


def metrics(server: Server, name: str) -> dict[str, float]:
    """What the server exposes of a metric, by its labels as they are written."""
    told = httpx.get(f"http://{server.host}:{server.port}/metrics").text.splitlines()
    found = (line.removeprefix(name).rsplit(" ", 1) for line in told if line.startswith(name))
    return {labels: float(value) for labels, value in found}


@dataclass(frozen=True)
class Raw:
    """A request as bytes.

    Attributes:
        sent: all that goes over the socket.
        is_whole: whether it ends where its headers say; else it can only be broken off.
    """

    sent: bytes
    is_whole: bool = True


@dataclass(frozen=True)
class Got:
    """An answer, or what came in place of one.

    Attributes:
        status: of HTTP; 0 if the connection was reset, -1 if nobody listens.
    """

    status: int
    headers: dict[bytes, bytes]
    body: bytes

    def fault(self) -> str | None:
        """Why no client should ever get this answer, or None if it may."""
        if self.status >= 500:
            return f"status {self.status}: {self.body[:300]!r}"
        if b"Traceback" in self.body:
            return f"a traceback: {self.body[:300]!r}"
        if self.status < 400 or self.body == UNPARSED or not self.body:
            return None
        if self.headers.get(b"content-type") != PROBLEM:
            return f"not a problem: {self.headers}"
        problem = json.loads(self.body)
        if problem["status"] != self.status or not problem["next_step"]:
            return f"an empty problem: {problem}"
        return None


def post(
    path: str, body: bytes, headers: dict[str, str] | None = None, length: object = None
) -> Raw:
    """A POST of `body`; `length` is what its header says in place of the truth."""
    lines = [f"POST {path} HTTP/1.1", "Host: flights", f"Content-Length: {length or len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    head = "\r\n".join(lines).encode() + b"\r\n\r\n"
    return Raw(head + body, length is None or length == len(body))


def chunked(path: str, body: bytes, size: int, *, is_ended: bool = True) -> Raw:
    """The same in chunks."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: flights\r\nContent-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    ).encode()
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    return Raw(head + chunks + (b"0\r\n\r\n" if is_ended else b""), is_ended)


class Connection:
    """One client, which connects again whenever it has to."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, raw: Raw) -> Got:
        """The answer to a request; TimeoutError if there is none in time."""
        async with asyncio.timeout(PATIENCE):
            try:
                if self._streams is None:
                    self._streams = await asyncio.open_connection("127.0.0.1", self._port)
            except ConnectionError:
                return Got(-1, {}, b"")
            reader, writer = self._streams
            try:
                writer.write(raw.sent)
                if not raw.is_whole:
                    writer.write_eof()
                await writer.drain()
                got = await _read(reader)
            except (ConnectionError, asyncio.IncompleteReadError):
                got = Got(0, {}, b"")
            if not raw.is_whole or got.status in (0, 400, 408, 413):
                await self.close()
            return got

    async def close(self) -> None:
        if self._streams is not None:
            _, writer = self._streams
            self._streams = None
            writer.transport.abort()


async def _read(reader: asyncio.StreamReader) -> Got:
    while True:
        head = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        status = int(head[0].split()[1])
        if status != 100:
            break
    headers = {}
    for line in head[1:-2]:
        name, _, value = line.partition(b":")
        headers[name.strip().lower()] = value.strip()
    return Got(status, headers, await reader.readexactly(int(headers.get(b"content-length", 0))))


async def ask_all(port: int, requests: list[Raw], connections: int) -> list[tuple[Raw, Got]]:
    """Every request with its answer, asked over several connections at once."""
    waiting = iter(requests)
    answers: list[tuple[Raw, Got]] = []

    async def client() -> None:
        connection = Connection(port)
        for raw in waiting:
            answers.append((raw, await connection.ask(raw)))
        await connection.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    return answers


def shown(raw: Raw, got: Got, fault: str) -> dict[str, Any]:
    """What a person needs to see of a fault."""
    return {"sent": raw.sent[:400], "status": got.status, "fault": fault}
