"""Two workers under load: ended in order, and killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from pipelines.packaging import build
from pipelines.packaging.server import Server, running
from pipelines.paths import HomePaths
from pipelines.serving.policy import ServingPolicy
from pipelines.signature import Signature
from tests.packaged import LABELS
from tests.serving import hostile
from tests.serving.live import Connection, Raw, metrics, post, workers
from tests.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.slow
CLIENTS = 8


@dataclass
class Load:
    """Requests that are sent without end, and what came of them.

    Attributes:
        statuses: of answers; 0 is a connection that was reset, -1 one that was refused.
        is_over: set to end it.
    """

    port: int
    request: Raw
    statuses: Counter[int] = field(default_factory=Counter)
    is_over: bool = False

    async def client(self) -> None:
        connection = Connection(self.port)
        while not self.is_over:
            got = await connection.ask(self.request)
            self.statuses[got.status] += 1
            if got.status <= 0:
                await asyncio.sleep(0.02)
        await connection.close()


@contextlib.asynccontextmanager
async def under_load(port: int, request: Raw) -> AsyncIterator[Load]:
    load = Load(port, request)
    clients = asyncio.gather(*(load.client() for _ in range(CLIENTS)))
    try:
        yield load
    finally:
        load.is_over = True
        await clients


@pytest.fixture
def home(tmp_path: Path) -> HomePaths:
    return HomePaths(tmp_path / "home")


@pytest.fixture
def tag(artifact: Path, home: HomePaths) -> str:
    return build(artifact, LABELS, "v3", home, ServingPolicy(workers=2))


@pytest.fixture
def request_of_a_row(artifact: Path) -> Raw:
    rows = hostile.good_rows(Signature.read(artifact).schema)
    return post(hostile.PREDICT, json.dumps(rows).encode(), hostile.JSON)


def arbiter(server: Server) -> psutil.Process:
    return workers(server)[0].parent()


async def until(condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


def test_sigterm_under_load_fails_no_request(
    tag: str, home: HomePaths, request_of_a_row: Raw, tmp_path: Path
) -> None:
    async def end(server: Server) -> Counter[int]:
        await until(lambda: len(workers(server)) == 2)
        family = [arbiter(server), *workers(server)]
        async with under_load(server.port, request_of_a_row) as load:
            await until(lambda: load.statuses[200] > 500)
            family[0].send_signal(signal.SIGTERM)
            await until(lambda: not any(map(alive, family)))
        return load.statuses

    with running(tag, home, 60, tmp_path / "server.log") as server:
        seen = asyncio.run(end(server))
    print(f"\nSIGTERM: {seen[200]} answered, {seen[0]} reset, {seen[-1]} refused")

    # Nobody gets a 5xx. Cut off are kept-alive connections that are closed while the next request
    # is on its way, and those in the backlog, which the arbiter holds open to its end.
    assert seen.keys() <= {200, 0, -1}
    assert seen[0] <= 5 * CLIENTS
    assert "Traceback" not in (tmp_path / "server.log").read_text(encoding="utf-8")


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_killed_worker_is_replaced_while_the_other_answers(
    tag: str, home: HomePaths, request_of_a_row: Raw, tmp_path: Path
) -> None:
    async def kill(server: Server) -> Counter[int]:
        async with under_load(server.port, request_of_a_row) as load:
            for _ in range(2):
                await until(lambda: len(workers(server)) == 2)
                before = workers(server)
                more = load.statuses[200] + 200
                before[0].kill()
                await until(lambda more=more: load.statuses[200] > more)
                await until(lambda: len(workers(server)) == 2)
                assert before[0] not in workers(server)
        return load.statuses

    with running(tag, home, 60, tmp_path / "server.log") as server:
        seen = asyncio.run(kill(server))
    print(f"\nkill -9, twice: {seen[200]} answered, {seen[0]} connections reset")

    assert seen.keys() <= {0, 200}
    # A kill cuts off the connections of one worker, each of them once.
    assert seen[0] <= 2 * CLIENTS


def test_what_a_killed_worker_counted_is_kept(
    tag: str, home: HomePaths, request_of_a_row: Raw, tmp_path: Path
) -> None:
    def answered(server: Server) -> float:
        seen = metrics(server, "evergreen_requests_total")
        return seen['{door="predict",outcome="answered"}']

    async def ask(server: Server) -> int:
        async with under_load(server.port, request_of_a_row) as load:
            await until(lambda: load.statuses[200] > 200)
        return load.statuses[200]

    async def kill(server: Server) -> None:
        await until(lambda: len(workers(server)) == 2)
        asked = await ask(server)
        # Each worker tells once a second what it has counted.
        await until(lambda: answered(server) == asked)
        before = workers(server)
        before[0].kill()
        await until(lambda: len(workers(server)) == 2 and before[0] not in workers(server))
        assert answered(server) == asked
        asked += await ask(server)
        await until(lambda: answered(server) == asked)

    with running(tag, home, 60, tmp_path / "server.log") as server:
        asyncio.run(kill(server))
        # By worker and not by process: a counter, a histogram, and two kinds of gauges for each.
        assert len(list(home.servers.glob("*/prometheus_multiproc_dir/*.db"))) == 2 * 4
