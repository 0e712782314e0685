"""A client that costs little: it sends the same bytes again and reads the answers' lengths."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import grpc
import psutil
import uvloop


@dataclass(frozen=True)
class Cost:
    """What a run of requests took."""

    requests_per_second: float
    cpu_microseconds: float


def over_http(
    port: int, path: str, body: bytes, headers: dict[str, str], requests: int, at_once: int
) -> float:
    """Requests a second; every answer must be 200."""
    message = post(path, body, headers)

    async def one(count: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(count):
            head = await answer(reader, writer, message)
            if not head.startswith(b"http/1.1 200"):
                raise RuntimeError(head.decode())
        writer.close()

    return _rate(one, requests, at_once)


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """The bytes of a request."""
    lines = [f"POST {path} HTTP/1.1", "Host: bench", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: bytes
) -> bytes:
    """Send a request and read its answer; the head of it, in lower case."""
    writer.write(message)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"\r\ncontent-length:")[2].partition(b"\r")[0]
    await reader.readexactly(int(length))
    return head


def over_grpc(port: int, message: bytes, requests: int, at_once: int) -> float:
    """Requests a second; every call must succeed."""

    async def one(count: int) -> None:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            call = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
            for _ in range(count):
                await call(message)

    return _rate(one, requests, at_once)


def cpu_seconds(server: psutil.Process) -> float:
    """CPU that a server and all its processes have used."""
    family = [server, *server.children(recursive=True)]
    return sum(sum(process.cpu_times()[:2]) for process in family)


def _rate(one, requests: int, at_once: int) -> float:  # type: ignore[no-untyped-def]
    async def all_of_them() -> float:
        started = time.perf_counter()
        await asyncio.gather(*(one(requests // at_once) for _ in range(at_once)))
        return requests / (time.perf_counter() - started)

    return float(uvloop.run(all_of_them()))
