"""When requests are gathered, and when nobody is made to wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from pipelines.serving.batching import ENOUGH_ALONE, Batcher

WINDOW = 0.2


def batches(
    act: Callable[[Batcher[int]], Awaitable[None]],
    window_seconds: float = 0.0,
    at_a_time: int = 100,
) -> list[list[int]]:
    """What a batcher works on while `act` adds to it."""
    seen: list[list[int]] = []

    def work(waiting: list[int]) -> int:
        seen.append(waiting[:at_a_time])
        return len(seen[-1])

    async def run() -> None:
        await act(Batcher(work, window_seconds))

    asyncio.run(run())
    return seen


async def turn() -> None:
    """Let the loop do what is due."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


def test_what_is_added_in_one_turn_of_the_loop_is_one_batch() -> None:
    async def act(batcher: Batcher[int]) -> None:
        for number in range(5):
            batcher.add(number)
        await turn()
        batcher.add(5)
        await turn()

    assert batches(act) == [[0, 1, 2, 3, 4], [5]]


def test_what_is_too_much_for_one_turn_waits_for_the_next() -> None:
    others: list[int] = []

    async def act(batcher: Batcher[int]) -> None:
        for number in range(5):
            batcher.add(number)
        loop = asyncio.get_running_loop()
        loop.call_soon(lambda: loop.call_soon(others.append, 1))
        await turn()
        assert others == [1]  # between two parts of the batch
        batcher.add(5)  # goes with what is still waiting
        await turn()
        await turn()

    assert batches(act, at_a_time=2) == [[0, 1], [2, 3], [4, 5]]


def test_one_client_that_waits_for_its_answers_never_waits_for_others() -> None:
    begun = time.monotonic()

    async def act(batcher: Batcher[int]) -> None:
        for number in range(10):
            batcher.add(number)
            await turn()

    assert len(batches(act, window_seconds=30.0)) == 10
    assert time.monotonic() - begun < 20


def test_a_window_gathers_once_there_are_several() -> None:
    async def act(batcher: Batcher[int]) -> None:
        batcher.add(0)
        batcher.add(1)  # in the same turn: so there are several clients
        await turn()
        batcher.add(2)
        await asyncio.sleep(WINDOW / 4)
        batcher.add(3)
        await asyncio.sleep(WINDOW * 2)

    assert batches(act, WINDOW) == [[0, 1], [2, 3]]


def test_the_window_closes_when_nobody_else_has_come_for_some_time() -> None:
    async def act(batcher: Batcher[int]) -> None:
        batcher.add(0)
        batcher.add(0)
        await turn()
        for number in range(ENOUGH_ALONE):
            batcher.add(number)
            await turn()
            await asyncio.sleep(0.02)  # longer than the window
        batcher.add(ENOUGH_ALONE)
        await turn()  # at once

    assert [len(batch) for batch in batches(act, 0.001)] == [2] + [1] * (ENOUGH_ALONE + 1)
