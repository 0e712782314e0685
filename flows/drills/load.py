"""Clients of the gateway: a steady stream of real rows, and their labels a moment later."""

from __future__ import annotations

import asyncio
import json
import random
import ssl
import threading
import time
import uuid
from collections import deque
from collections.abc import Sequence
from types import TracebackType

import httpx

from flows.drills.answers import Answer
from flows.drills.door import Door, Subject
from pipelines.errors import EvergreenError, GatewayError

PER_SECOND = 100.0
# A good client sends again what met a closed connection, and gives up at some time.
PATIENCE_SECONDS = 2.0
_AGAIN_SECONDS = 0.05
_ANSWER_SECONDS = 10.0
_CONNECTIONS = 64
_LABEL_EVERY_SECONDS = 0.5
_LABELS_AT_ONCE = 1000
_END_SECONDS = 30.0


class Load:
    """Requests by the clock, whatever becomes of those before; on a thread of its own.

    Args:
        door: where to ask, and what.
        subjects: who asks, in turn.
        labeller: who tells what was true.
        per_second: how many requests are sent.
    """

    def __init__(
        self,
        door: Door,
        subjects: Sequence[Subject],
        labeller: Subject,
        per_second: float = PER_SECOND,
    ) -> None:
        self._door = door
        self._subjects = subjects
        self._labeller = labeller
        self._interval = 1 / per_second
        self._chance = random.Random(7)  # noqa: S311  (which row is asked about next)
        self._answers: list[Answer] = []
        self._labels: deque[dict[str, str]] = deque()
        self._ends = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._main, name="load", daemon=True)

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ends.set()
        self._thread.join(_END_SECONDS)
        if error is None:
            self.require()

    def require(self) -> None:
        """Raise what ended the load before it was told to.

        Raises:
            GatewayError: it cannot go on; nothing that is seen from then on means anything.
        """
        failure = self._failure
        if isinstance(failure, BaseExceptionGroup):
            failure = failure.exceptions[0]
        if isinstance(failure, EvergreenError):
            raise failure
        if failure is not None:
            raise GatewayError(
                f"the clients of the drill stopped: {failure!r}",
                where=self._door.address,
                next_step="run the drill again; if it stays so, report it",
            ) from failure

    def between(self, begin: float, end: float) -> list[Answer]:
        """What became of the requests that were sent between two moments, unix seconds.

        Raises:
            GatewayError: see `require`.
        """
        self.require()
        return [each for each in tuple(self._answers) if begin <= each.started < end]

    def _main(self) -> None:
        try:
            asyncio.run(self._run())
        except BaseException as error:  # noqa: BLE001  (told to whoever looks at the answers)
            self._failure = error

    async def _run(self) -> None:
        trust = ssl.create_default_context(cafile=str(self._door.authority))
        limits = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
        async with httpx.AsyncClient(
            base_url=self._door.address,
            verify=trust,
            limits=limits,
            timeout=_ANSWER_SECONDS,
            trust_env=False,
        ) as http:
            for subject in (*self._subjects, self._labeller):
                await subject.headers(http)
            # What fails in one of the two ends the other as well.
            async with asyncio.TaskGroup() as group:
                group.create_task(self._tell_labels(http))
                group.create_task(self._ask_by_the_clock(http))

    async def _ask_by_the_clock(self, http: httpx.AsyncClient) -> None:
        asked: set[asyncio.Task[None]] = set()
        due = time.monotonic()
        while not self._ends.is_set():
            task = asyncio.create_task(self._ask(http, len(self._answers)))
            asked.add(task)
            for done in {each for each in asked if each.done()}:
                asked.discard(done)
                done.result()  # what is no answer of the gateway ends the load, and says so
            due += self._interval
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        await asyncio.gather(*asked)

    async def _ask(self, http: httpx.AsyncClient, number: int) -> None:
        subject = self._subjects[number % len(self._subjects)]
        row = self._chance.choice(self._door.rows)
        request_id = uuid.uuid4().hex
        headers = {
            **await subject.headers(http),
            "x-request-id": request_id,
            # One event a session: a client each, for evidence that comes quickly.
            "x-session-id": uuid.uuid4().hex,
        }
        started, path = time.time(), f"/{self._door.model}/predict"
        answer, tries = await post(http, path, row.body, headers)
        self._answers.append(
            Answer(
                request_id,
                started,
                time.time(),
                0 if answer is None else answer.status_code,
                tries,
                answer is not None and answer.headers.get("x-evergreen-fallback") == "true",
            )
        )
        if answer is not None and answer.status_code == httpx.codes.OK:
            self._labels.append({"request_id": request_id, "label": row.label})

    async def _tell_labels(self, http: httpx.AsyncClient) -> None:
        path = f"/{self._door.model}/feedback"
        while not self._ends.is_set():
            await asyncio.sleep(_LABEL_EVERY_SECONDS)
            some = [self._labels.popleft() for _ in range(min(len(self._labels), _LABELS_AT_ONCE))]
            if some:
                body = json.dumps({"labels": some}).encode()
                headers = await self._labeller.headers(http)
                answer, _ = await post(http, path, body, headers)
                if answer is None or answer.is_server_error:
                    self._labels.extend(some)  # they are as true a moment later
                elif answer.is_client_error:
                    raise GatewayError(
                        f"labels are refused: {answer.text[:300]}",
                        where=path,
                        next_step="look at `.evergreen/gateway/access.log` of the clone (--keep)",
                    )


async def post(
    http: httpx.AsyncClient, path: str, body: bytes, headers: dict[str, str]
) -> tuple[httpx.Response | None, int]:
    """Send, and send again while connections fail; the answer, if any, and the number of tries."""
    deadline, tries = None, 0
    while True:
        tries += 1
        try:
            return await http.post(path, content=body, headers=headers), tries
        except httpx.TimeoutException:
            # It may have been taken, or nobody takes anything: no reason to send it again.
            return None, tries
        except httpx.TransportError:
            # Patience begins here: what waited long for its turn is sent again all the same.
            deadline = deadline or time.monotonic() + PATIENCE_SECONDS
            if time.monotonic() > deadline:
                return None, tries
            await asyncio.sleep(_AGAIN_SECONDS)
