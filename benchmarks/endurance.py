"""Ten minutes of load on two workers, one of which is killed every 30 seconds.

No request may fail. One that was under way on a connection of the killed worker is cut off; it is
counted, and asked once more. The memory is that of the worker that is never killed: after two
minutes, when everything has been used once, and at the end.
"""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import psutil

from benchmarks import asking
from benchmarks.clones import clone
from benchmarks.servers import LABELS
from benchmarks.serving import JSON
from pipelines import golden, packaging
from pipelines.packaging.server import Server, running
from pipelines.paths import HomePaths, ModelPaths
from pipelines.serving.policy import ServingPolicy
from pipelines.signature import Signature

MINUTES = 10.0
WARM_MINUTES = 2.0
KILL_SECONDS = 30.0
CLIENTS = 16
REQUESTS_PER_SECOND = 200


@dataclass
class Load:
    """What came of the requests: answers by status, and connections that were cut off."""

    port: int
    message: bytes
    statuses: Counter[int] = field(default_factory=Counter)
    resets: int = 0
    is_over: bool = False

    async def client(self) -> None:
        streams = None
        while not self.is_over:
            for attempt in (1, 2):
                try:
                    streams = streams or await asyncio.open_connection("127.0.0.1", self.port)
                    self.statuses[await _ask(*streams, self.message)] += 1
                    break
                except (ConnectionError, asyncio.IncompleteReadError):
                    self.resets += 1
                    streams = None
                    if attempt == 2:
                        self.statuses[0] += 1
            await asyncio.sleep(CLIENTS / REQUESTS_PER_SECOND)
        if streams:
            streams[1].close()


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: bytes) -> int:
    async with asyncio.timeout(20):
        return int((await asking.answer(reader, writer, message)).split()[1])


def run(minutes: float = MINUTES) -> None:
    """Train the model, start the server, and print what became of the requests."""

    with clone() as (place, given), tempfile.TemporaryDirectory() as folder:
        subprocess.run(["dvc", "repro", "-q", "train@flights"], cwd=place, env=given, check=True)
        artifact, home = ModelPaths(place, "flights").artifact, HomePaths(Path(folder))
        tag = packaging.build(artifact, LABELS, "v1", home, ServingPolicy(workers=2))
        with running(tag, home, 60, Path(folder) / "server.log") as server:
            asyncio.run(_endure(server, _message(artifact), minutes))


async def _endure(server: Server, message: bytes, minutes: float) -> None:
    load = Load(server.port, message)
    clients = asyncio.gather(*(load.client() for _ in range(CLIENTS)))
    kept = (await _workers(server))[0]
    kills, early = 0, None
    for step in range(1, round(minutes * 60 / KILL_SECONDS) + 1):
        await asyncio.sleep(KILL_SECONDS)
        if early is None and step * KILL_SECONDS >= WARM_MINUTES * 60:
            early = _megabytes(kept)
        [victim] = [worker for worker in await _workers(server) if worker != kept]
        victim.kill()
        kills += 1
    await asyncio.sleep(KILL_SECONDS / 2)
    late = _megabytes(kept)
    load.is_over = True
    await clients
    failed = sum(count for status, count in load.statuses.items() if status != 200)
    print(
        f"{load.statuses[200]:,} answered, {failed} failed, {kills} workers killed, "
        f"{load.resets} connections cut off"
    )
    if early is not None:
        print(
            f"the other worker: {early:.1f} MB after {WARM_MINUTES:g} minutes, {late:.1f} MB after "
            f"{minutes:g} ({late / early - 1:+.1%})"
        )


async def _workers(server: Server) -> list[psutil.Process]:
    """Both workers, once both listen: the processes that hold the gRPC port."""
    while True:
        found = [
            process
            for process in psutil.Process().children(recursive=True)
            if _listens(process, server.grpc_port)
        ]
        if len(found) == 2:
            return sorted(found, key=lambda process: process.create_time())
        await asyncio.sleep(0.2)


def _listens(process: psutil.Process, port: int) -> bool:
    try:
        return any(
            connection.laddr.port == port and connection.status == psutil.CONN_LISTEN
            for connection in process.net_connections("tcp")
        )
    except psutil.Error:  # it ended since it was listed
        return False


def _megabytes(process: psutil.Process) -> float:
    """What the process holds for itself."""
    return float(process.memory_full_info().uss / 1e6)


def _message(artifact: Path) -> bytes:
    schema = Signature.read(artifact).schema
    rows = golden.rows(golden.read(artifact, schema).slice(0, 1), schema)
    return asking.post("/predict", msgspec.json.encode({"rows": rows}), JSON)
