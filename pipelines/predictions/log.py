"""The prediction log of one server process: many requests in, one writer thread.

The writer takes all that is waiting and appends it as one batch (group commit), so the cost of a
write is shared by the requests of that moment. `offer` is for answers that must not wait, and
leaves the writer some milliseconds to gather; `write` is for answers that must be on record
before anybody sees them, and wakes it at once.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from copy import copy
from itertools import groupby
from pathlib import Path

from pipelines.errors import LogError
from pipelines.predictions.appending import Appender, Limits, require_folder
from pipelines.predictions.compaction import Compactor
from pipelines.predictions.counts import LogCounts
from pipelines.predictions.layout import SETTING, Layout, shape_of
from pipelines.predictions.policy import LogPolicy
from pipelines.predictions.queue import BATCH_ROWS, QUEUE_BYTES, Entry, Queue
from pipelines.predictions.record import Answered
from pipelines.predictions.trouble import Trouble
from pipelines.schema import Schema

# Long enough to share what a batch costs, whatever is in it; short, as a batch is.
GATHER_SECONDS = 0.1
PAUSE_SECONDS = 1.0
_SEE_TO_IT = "see to the disk: is it full, or slow? The log goes on by itself"


class PredictionLog:
    """Takes what was answered; from any thread, and from any event loop.

    A process that ends without `close` loses what was offered in its last moment, and
    nothing that `write` returned from.
    """

    def __init__(self, folder: Path, layout: Layout, policy: LogPolicy) -> None:
        """Use `open`."""
        self._folder = folder
        self._layout = layout
        self._queue_rows = policy.queue_rows
        self._enough_rows = min(policy.queue_rows // 2, BATCH_ROWS)
        self._compactor = Compactor(folder, policy.retention_days)
        limits = Limits(policy.segment_rows, policy.segment_minutes * 60)
        self._appender = Appender(folder, limits, self._compactor.add)
        self._trouble = Trouble()
        # Guards everything below, and is only ever held for moments.
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._queue = Queue()
        self._written = self._dropped = self._failed = 0
        self._is_urgent = self._is_closing = False
        self._pause_until = 0.0
        self._thread = threading.Thread(target=self._run, daemon=True, name="prediction-log")
        self._thread.start()

    @classmethod
    def open(
        cls, folder: Path, schema: Schema, policy: LogPolicy, key: bytes | None
    ) -> PredictionLog:
        """Open the log of a model, and see to what earlier processes left behind.

        Segments of processes that died are made Parquet files in the background; readers read
        them as they are until then.

        Args:
            folder: of one model; any number of processes may write to it.
            schema: the model's columns.
            policy: what is logged.
            key: of the digests of identifiers; None if there are none.

        Raises:
            LogError: the policy does not fit the model, a key is missing, logging is off, or
                the folder cannot be written to.
        """
        if policy.mode == "off":
            raise LogError(
                "the log is off", where=f"{SETTING}.mode", next_step="open none, or set fast"
            )
        layout = Layout.of(schema, policy, key)
        require_folder(folder)
        return cls(folder, layout, policy)

    def offer(self, answered: Answered) -> bool:
        """Take a record without ever waiting; False, and counted, if there is no room for it."""
        entry = Entry.of(answered)
        with self._lock:  # by itself, for it costs a third of what it does through the condition
            is_over = self._queue.rows + entry.rows > self._queue_rows
            if self._is_closing or is_over or not self._queue.has_memory_for(entry):
                self._dropped += entry.rows
                return False
            self._add(entry)
        return True

    async def write(self, answered: Answered) -> None:
        """Return when the operating system has the record: it survives a kill of this process.

        Raises:
            LogError: it could not be written; the answer must not be given.
        """
        await self.begin(answered)

    def begin(self, answered: Answered) -> asyncio.Future[None]:
        """Begin to write, and return what is done when `write` would return.

        Raises:
            LogError: the log was closed, or there is no memory for more that waits.
        """
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = Entry.of(answered, waiter)
        with self._changed:
            if self._is_closing:
                raise self._error("the log was closed", "start the server again")
            if not self._queue.has_memory_for(entry):
                problem = f"more than {QUEUE_BYTES >> 20} MB would wait to be written"
                raise self._error(problem, _SEE_TO_IT)
            self._is_urgent = True
            self._add(entry)
            self._changed.notify()
        return waiter

    @property
    def counts(self) -> LogCounts:
        with self._changed:
            return LogCounts(
                written=self._written,
                dropped=self._dropped,
                failed=self._failed,
                queued=self._queue.rows,
                torn=self._compactor.torn,
                unclosed=self._compactor.waiting,
                problem=self._trouble.problem or self._compactor.problem,
            )

    def close(self, timeout_seconds: float) -> None:
        """Write what is waiting, close the segment, and take nothing more.

        Raises:
            LogError: rows were still waiting when the time was over.
        """
        until = time.monotonic() + timeout_seconds
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        self._thread.join(timeout_seconds)
        if self._thread.is_alive():
            raise self._error(
                f"{self.counts.queued} rows were not written within {timeout_seconds:g} s",
                "allow more time, or look at the disk",
            )
        self._compactor.stop(max(0.0, until - time.monotonic()))

    def _add(self, entry: Entry) -> None:
        was = self._queue.waiting_rows
        self._queue.put(entry)
        # Waking a thread costs more than all else here, so only the first of many does it, and
        # the one that makes it enough for a batch.
        if was == 0 or was < self._enough_rows <= self._queue.waiting_rows:
            self._changed.notify()

    def _run(self) -> None:
        while True:
            entries = self._next()
            if not entries and self._is_closing:
                self._appender.close()
                return
            if entries:
                self._commit(entries)
            self._appender.close_if_old()
            del entries  # or what was written stays in memory until something else comes

    def _next(self) -> list[Entry]:
        """Wait for entries, or until the segment is too old; at most a batch of them."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._queue or self._is_closing, self._appender.seconds_left
            )
            if self._queue:
                self._changed.wait_for(
                    lambda: self._is_urgent or self._is_closing or self._is_enough(),
                    max(GATHER_SECONDS, self._pause_until - time.monotonic()),
                )
            taken = self._queue.take()
            self._is_urgent = self._is_urgent and bool(self._queue)
            return taken

    def _is_enough(self) -> bool:
        is_paused = time.monotonic() < self._pause_until
        return self._queue.waiting_rows >= self._enough_rows and not is_paused

    def _commit(self, entries: Sequence[Entry]) -> None:
        done = 0
        try:
            for _, part in groupby(entries, lambda entry: shape_of(entry.answered)):
                alike = list(part)
                self._appender.append(self._layout.batch([entry.answered for entry in alike]))
                self._settle(alike, None)
                done += len(alike)
        except OSError as error:
            self._pause_until = time.monotonic() + PAUSE_SECONDS
            # Without the name of a file: it is another each time, and clients are told this.
            problem = f"the record could not be written: {error.strerror or error}"
            self._settle(entries[done:], self._error(problem, _SEE_TO_IT))
        except Exception as error:  # noqa: BLE001
            # A record that is not what the layout expects must not take its neighbours along.
            rest = entries[done:]
            if len(rest) == 1:
                problem = f"the record is unfit: {type(error).__name__}: {error}"
                self._settle(rest, self._error(problem, "report it: a door let it through"))
            else:
                for entry in rest:
                    self._commit([entry])

    def _settle(self, entries: Sequence[Entry], error: LogError | None) -> None:
        self._trouble.see(error)
        rows = sum(entry.rows for entry in entries)
        size = sum(entry.size for entry in entries)
        with self._changed:
            self._queue.done(rows, size)
            if error is None:
                self._written += rows
            else:
                self._failed += rows
        by_loop: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
        for entry in entries:
            if entry.waiter is not None:
                by_loop.setdefault(entry.waiter.get_loop(), []).append(entry.waiter)
        for loop, waiters in by_loop.items():
            # A loop that is closed has nobody left who waits.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(_tell, waiters, error)

    def _error(self, problem: str, next_step: str) -> LogError:
        return LogError(problem, where=str(self._folder), next_step=next_step)


def _tell(waiters: Sequence[asyncio.Future[None]], error: LogError | None) -> None:
    for waiter in waiters:
        if waiter.done():  # cancelled: its client is gone
            continue
        if error is None:
            waiter.set_result(None)
        else:  # one for each, because who raises it writes into it
            waiter.set_exception(copy(error))
