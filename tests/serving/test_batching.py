"""When requests are gathered, and when nobody is made to wait."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable

from pipelines.serving.batching import BETWEEN_PROBES, Batcher, WindowBatcher

WINDOW = 0.002


class Skipping(selectors.DefaultSelector):
    """Nothing comes from outside, so that a wait can be skipped: only the clock goes on."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now += timeout or 0.0
        return super().select(0)


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only while it waits, so that a busy machine is no matter."""

    def __init__(self) -> None:
        self._skipping = Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.now


def batches(
    act: Callable[[Batcher[int]], Awaitable[None]],
    window_seconds: float | None = None,
    at_a_time: int = 100,
) -> list[list[int]]:
    """What a batcher works on while `act` adds to it."""
    seen: list[list[int]] = []

    def work(waiting: list[int]) -> int:
        seen.append(waiting[:at_a_time])
        return len(seen[-1])

    async def run() -> None:
        none = window_seconds is None
        await act(Batcher(work) if none else WindowBatcher(work, window_seconds))

    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(run())
    return seen


def now() -> float:
    return asyncio.get_running_loop().time()


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
    async def act(batcher: Batcher[int]) -> None:
        begun = now()
        for number in range(10):
            batcher.add(number)
            await turn()
        assert now() == begun

    assert len(batches(act, WINDOW)) == 10


async def two_at_once(batcher: Batcher[int]) -> None:
    """So there are several clients, and the next window is waited out to see how many."""
    batcher.add(0)
    batcher.add(1)
    await turn()


def test_a_window_gathers_those_who_come_one_by_one() -> None:
    async def act(batcher: Batcher[int]) -> None:
        await two_at_once(batcher)
        for number in (2, 3, 4):
            batcher.add(number)
            await asyncio.sleep(WINDOW / 10)
        await asyncio.sleep(WINDOW * 2)

    assert batches(act, WINDOW) == [[0, 1], [2, 3, 4]]


def test_nobody_waits_when_as_many_are_there_as_came_before() -> None:
    async def act(batcher: Batcher[int]) -> None:
        await two_at_once(batcher)
        for number in (2, 3, 4):
            batcher.add(number)
        await asyncio.sleep(WINDOW * 2)
        begun = now()
        for _ in range(5):
            for number in (5, 6, 7):
                batcher.add(number)
                await turn()
        assert now() == begun

    assert batches(act, WINDOW) == [[0, 1], [2, 3, 4], *[[5, 6, 7]] * 5]


def test_fewer_are_waited_for_when_fewer_come() -> None:
    async def act(batcher: Batcher[int]) -> None:
        await two_at_once(batcher)
        for number in (2, 3, 4):
            batcher.add(number)
        await asyncio.sleep(WINDOW * 2)  # three were there: a third is waited for, then a second
        for _ in range(2):
            batcher.add(5)
            await asyncio.sleep(WINDOW * 2)
        batcher.add(6)
        await turn()  # and then nobody
        batcher.add(7)
        await turn()

    assert batches(act, WINDOW) == [[0, 1], [2, 3, 4], [5], [5], [6], [7]]


def test_now_and_then_a_whole_window_tells_whether_more_have_come() -> None:
    async def act(batcher: Batcher[int]) -> None:
        await two_at_once(batcher)
        batcher.add(2)
        batcher.add(3)
        await asyncio.sleep(WINDOW * 2)
        for _ in range(BETWEEN_PROBES - 1):
            batcher.add(4)
            batcher.add(5)
            await turn()
        for number in (6, 7, 8):
            batcher.add(number)
            await turn()
        await asyncio.sleep(WINDOW * 2)

    pairs = [[4, 5]] * (BETWEEN_PROBES - 1)
    assert batches(act, WINDOW) == [[0, 1], [2, 3], *pairs, [6, 7, 8]]
