"""The load over gRPC, in a process of its own: Locust's gevent and grpc.aio do not go together.

The arrivals are those of `locustfile`, which says why the loop is open: laid down beforehand, and
latency counts from when a request was due. A caller has a connection of its own.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import grpc

from pipelines.orphans import end_with_parent
from pipelines.stress.check import fault
from pipelines.stress.doors import DOORS
from pipelines.stress.generator import PLAN_FILE, RUN_FOLDER
from pipelines.stress.plan import Plan
from pipelines.stress.records import Ending
from pipelines.stress.run import Run
from pipelines.stress.target import Target

_DOOR = DOORS["grpc"]
# As HTTP's, which the records are in; a refusal has no status of HTTP.
_OK = 200
_GONE = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}


async def load(plan: Plan, run: Run) -> None:
    """Send a plan, and wait for all its answers."""
    run.begin()
    await asyncio.gather(*(_caller(plan, run) for _ in range(plan.users)))
    run.end()


async def _caller(plan: Plan, run: Run) -> None:
    async with Target.parse(plan.url).channel(grpc.aio) as channel:
        call = channel.unary_unary(plan.path)
        while (number := run.next_number()) is not None:
            due = plan.due(number)
            was_awaited = run.now() < due
            if was_awaited:
                await asyncio.sleep(due - run.now())
            sent = run.now()
            if sent - due > plan.timeout_seconds:
                run.note(due, sent, Ending.NOT_SENT, 0, was_awaited)
                continue
            ending = await _ask(plan, run, call, number % len(plan.bodies))
            status = 0 if ending in (Ending.REFUSED, Ending.NO_ANSWER) else _OK
            run.note(due, sent, ending, status, was_awaited)


async def _ask(plan: Plan, run: Run, call: Any, row: int) -> Ending:
    try:
        content = await call(plan.bodies[row], timeout=plan.timeout_seconds)
    except grpc.aio.AioRpcError as error:
        run.complain(f"{error.code().name}: {error.details()}")
        return Ending.NO_ANSWER if error.code() in _GONE else Ending.REFUSED
    problem = fault(content, _DOOR, plan.version, plan.expected[row])
    if not problem:
        return Ending.ANSWERED
    run.complain(problem)
    return Ending.WRONG


if __name__ == "__main__":
    end_with_parent()
    _folder = Path(os.environ[RUN_FOLDER])
    _plan = Plan.read(_folder / PLAN_FILE)
    asyncio.run(load(_plan, Run(_plan, _folder)))
