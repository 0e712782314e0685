"""A whole server in audit mode, killed while it answers: whatever was answered is in the log."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest

from pipelines.packaging import build
from pipelines.packaging.server import Server, Site, running_at
from pipelines.paths import HomePaths
from pipelines.ports import free_ports
from pipelines.predictions.policy import LogPolicy
from pipelines.predictions.read import read
from pipelines.serving.policy import ServingPolicy
from pipelines.signature import Signature
from tests.packaged import LABELS
from tests.serving import hostile
from tests.serving.live import Connection, post, workers

CLIENTS = 8
WORKERS = 2
BEFORE_THE_KILL = 400


async def answered_until_killed(server: Server, body: bytes) -> list[str]:
    """The ids of the requests that were answered before and while every process was killed."""
    # A worker that is not up yet would outlive this test.
    while len(family := workers(server)) < WORKERS:
        await asyncio.sleep(0.05)
    family.append(family[0].parent())
    known: list[str] = []
    is_over = False

    async def client(number: int) -> None:
        connection = Connection(server.port)
        asked = 0
        while not is_over:
            asked += 1
            request_id = f"{number}-{asked}"
            headers = {**hostile.JSON, "x-request-id": request_id}
            got = await connection.ask(post(hostile.PREDICT, body, headers))
            if got.status != 200:
                break
            known.append(request_id)
        await connection.close()

    clients = asyncio.gather(*(client(number) for number in range(CLIENTS)))
    while len(known) < BEFORE_THE_KILL:
        assert not clients.done()
        await asyncio.sleep(0.01)
    # The arbiter first, or it would start new workers.
    for process in reversed(family):
        os.kill(process.pid, signal.SIGKILL)
    async with asyncio.timeout(30):
        await clients
    is_over = True
    return known


@pytest.mark.slow
def test_every_answer_outlives_a_kill_of_the_whole_server(artifact: Path, tmp_path: Path) -> None:
    home = HomePaths(tmp_path / "home")
    policy = ServingPolicy(workers=WORKERS, log=LogPolicy(mode="audit"))
    tag = build(artifact, LABELS, "v3", home, policy)
    rows = hostile.good_rows(Signature.read(artifact).schema)
    predictions = tmp_path / "predictions"
    port, grpc_port = free_ports(2)
    site = Site(port, grpc_port, predictions, tmp_path / "feedback")

    with running_at(site, tag, home, 60, tmp_path / "server.log") as server:
        known = asyncio.run(answered_until_killed(server, json.dumps(rows).encode()))

    logged = read(predictions, columns=["request_id"])
    assert set(known) <= set(logged["request_id"].to_pylist())
