"""The prediction log: what it costs a request, and how much it takes.

CPU microseconds of the caller's thread for `offer`; of the whole process, the event loop's own
work included, for `write`. `fdatasync` is what a write would wait for if the disk, and not only
the operating system, had to have it.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import numpy as np

from pipelines.predictions.log import PredictionLog
from pipelines.predictions.policy import LogPolicy
from pipelines.predictions.record import Answered, AnsweredRequest
from pipelines.schema import Schema

ROUNDS = 5
# As many columns of either kind as the flights have, and as many different values, about.
NUMBERS, CATEGORIES, AIRPORTS = 16, 4, 100
SCHEMA = Schema(
    numbers=tuple(f"number{place}" for place in range(NUMBERS)),
    categories=tuple(f"category{place}" for place in range(CATEGORIES)),
    target="late",
)


def run() -> None:
    """Print a line for each way to write, the median of some rounds."""
    requests = _requests(10_000)
    print("prediction log, one row a request, 16 numbers and 4 categories")
    print(f"  offer                   {_median(lambda: _offered(requests)):7.2f} us of the caller")
    for at_once in (1, 16):
        found = [_written(requests[:4000], at_once) for _ in range(ROUNDS)]
        speed, cpu = (statistics.median(values) for values in zip(*found, strict=True))
        print(f"  write, {at_once:2} at once       {speed:7,.0f} rows/s, {cpu:.0f} us of CPU a row")
    speed, stream, parquet = _sustained(_requests(30_000))
    print(f"  writer alone            {speed:7,.0f} rows/s")
    print(f"  bytes a row             {stream:7.0f} open, {parquet:.0f} closed (Parquet)")
    print(f"  fdatasync of a write    {_median(_synced):7.0f} us, which nobody waits for")


def _median(measure: Callable[[], float]) -> float:
    return statistics.median(measure() for _ in range(ROUNDS))


def _requests(count: int) -> list[Answered]:
    draw = np.random.default_rng(7)
    airports = np.array([f"A{place:02}" for place in range(AIRPORTS)], dtype=object)
    return [
        Answered(
            version="flights@v3",
            requests=[
                AnsweredRequest(
                    request_id=str(uuid4()),
                    arrived_ns=time.time_ns(),
                    door="rest",
                    is_shadow=False,
                    latency_us=int(draw.integers(100, 400)),
                    rows=1,
                )
            ],
            tensors={
                "numbers": draw.normal(size=(1, NUMBERS)).round(2),
                "categories": draw.choice(airports, (1, CATEGORIES)),
            },
            outputs={"label": draw.integers(0, 2, 1), "probability": draw.random(1)},
        )
        for _ in range(count)
    ]


def _offered(requests: list[Answered]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        log = PredictionLog.open(Path(folder), SCHEMA, LogPolicy(), None)
        begun = time.thread_time()
        for request in requests:
            log.offer(request)
        spent = time.thread_time() - begun
        log.close(60)
        assert log.counts.written == len(requests)
    return spent / len(requests) * 1e6


def _written(requests: list[Answered], at_once: int) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        log = PredictionLog.open(Path(folder), SCHEMA, LogPolicy(mode="audit"), None)
        waiting = iter(requests)

        async def client() -> None:
            for request in waiting:
                await log.write(request)

        async def clients() -> None:
            await asyncio.gather(*(client() for _ in range(at_once)))

        begun, spent = time.perf_counter(), time.process_time()
        asyncio.run(clients())
        seconds, cpu = time.perf_counter() - begun, time.process_time() - spent
        log.close(60)
    return len(requests) / seconds, cpu / len(requests) * 1e6


def _sustained(requests: list[Answered]) -> tuple[float, float, float]:
    """Rows a second of the writer's thread with a full queue; bytes a row before and after."""
    with tempfile.TemporaryDirectory() as folder:
        policy = LogPolicy(queue_rows=len(requests), segment_rows=2 * len(requests))
        log = PredictionLog.open(Path(folder), SCHEMA, policy, None)
        begun = time.perf_counter()
        for request in requests:
            log.offer(request)
        while log.counts.queued:
            time.sleep(0.001)
        seconds = time.perf_counter() - begun
        stream = _bytes(folder)
        log.close(60)
        return len(requests) / seconds, stream / len(requests), _bytes(folder) / len(requests)


def _synced() -> float:
    with tempfile.TemporaryFile() as file:
        begun = time.perf_counter()
        for _ in range(50):
            os.write(file.fileno(), bytes(2000))
            os.fdatasync(file.fileno())
        return (time.perf_counter() - begun) / 50 * 1e6


def _bytes(folder: str) -> int:
    return sum(path.stat().st_size for path in Path(folder).iterdir())
