"""From a request to an answer that was recorded: what all doors share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from http import HTTPStatus
from itertools import compress
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from pipelines.errors import CellError, LogError, RequestError
from pipelines.inference.encode import Tensors
from pipelines.serving import joining, sound
from pipelines.serving.batching import Batcher, WindowBatcher
from pipelines.serving.context import Asked, Door
from pipelines.serving.metrics import Meters
from pipelines.serving.problems import refused
from pipelines.serving.recording import Record
from pipelines.serving.served import Outputs, Servable, rows_of

# More rows than this take milliseconds, in which the event loop could not answer others: of one
# request they go to a thread, and of several the rest waits for the next turn of the loop.
ROWS_ON_THE_LOOP = 32
# How long a call of gRPC waits for others: less than it takes to answer all of them.
GRPC_WINDOW_SECONDS = 0.002
T_co = TypeVar("T_co", covariant=True)


class Form(Protocol[T_co]):
    """A request in the form of its door."""

    def read(self) -> Tensors:
        """The rows; raises CellError or RequestError for a request that cannot be answered."""

    def write(self, outputs: Outputs) -> T_co:
        """The answer; raises RequestError if it cannot be given as it was asked for."""


class Answer(NamedTuple, Generic[T_co]):
    """What a request is answered with, in the form of its door, and how many rows it is about."""

    content: T_co
    rows: int


# None of what follows holds the future that it is the result of, and a refusal has no traceback
# whose frames hold the refusal: such a ring keeps a body of megabytes until the collector comes.


class _Read(NamedTuple):
    """A request that was read and let in."""

    asked: Asked
    form: Form[Any]
    tensors: Tensors
    rows: int


class _Aside(NamedTuple):
    """A request of many rows, and its outputs to come."""

    read: _Read
    outputs: asyncio.Future[Outputs]


class _Done(NamedTuple):
    """An answer, and what has to be waited for before it may go out."""

    answer: Answer[Any]
    kept: asyncio.Future[None] | None


class _Waiting(NamedTuple):
    """A request that came. An error is a result: one that nobody waits for any more is no event."""

    asked: Asked
    form: Form[Any]
    result: asyncio.Future[_Done | _Aside | Exception]


class Answering:
    """One model that answers, with its limits, its record and its counters."""

    def __init__(self, model: Servable, record: Record, meters: Meters) -> None:
        self.model = model
        self._record = record
        self._meters = meters
        http = Batcher(self._work)
        grpc = WindowBatcher(self._work, GRPC_WINDOW_SECONDS)
        self._batchers: dict[Door, Batcher[_Waiting]] = {
            "predict": http,
            "rest": http,
            "grpc": grpc,
        }
        # Requests that take longer than a turn of the loop: of many rows, or waiting for a write.
        self._held = 0

    async def answer(self, asked: Asked, form: Form[T_co]) -> Answer[T_co]:
        """Answer a request, and record it.

        Raises:
            CellError: a value of it cannot be used, or the policy keeps a row out.
            RequestError: the request cannot be read; 503 when too much is asked at once or the
                answer cannot be recorded, 504 when it takes too long, 500 when the model's answer
                is no number.
        """
        result = await self._begun(asked, form)
        try:
            if isinstance(result, _Aside):
                outputs = await self._in_time(asked, result.outputs)
                read = result.read
                [result] = self._finished([read], read.tensors, outputs)
            if isinstance(result, Exception):
                raise result
            if result.kept is not None:
                await self._until_kept(asked, result.kept)
            return result.answer
        except LogError as error:
            raise _unrecorded(error) from None
        finally:
            del result

    def through(self, asked: Asked, status: int, rows: int = 0) -> None:
        """Count a request that has its answer."""
        seconds = (time.monotonic_ns() - asked.started_ns) / 1e9
        self._meters.count(asked.door, status, seconds, rows)

    def _begun(self, asked: Asked, form: Form[Any]) -> asyncio.Future[_Done | _Aside | Exception]:
        result: asyncio.Future[_Done | _Aside | Exception]
        result = asyncio.get_running_loop().create_future()
        self._batchers[asked.door].add(_Waiting(asked, form, result))
        return result

    def _work(self, waiting: Sequence[_Waiting]) -> int:
        """Give results to the first of those who wait, as many as a turn of the loop should take.

        Returns:
            How many they are.
        """
        count = rows = 0
        few: list[_Read] = []
        results: list[asyncio.Future[Any]] = []
        room = max(1, self.model.policy.max_concurrency - self._held)
        try:
            while count < len(waiting) and rows < ROWS_ON_THE_LOOP and len(few) < room:
                asked, form, result = waiting[count]
                count += 1
                if result.done():  # its client is gone
                    continue
                read = self._read(asked, form)
                rows += read.rows if isinstance(read, _Read) else 1
                if isinstance(read, Exception):
                    result.set_result(read)
                elif read.rows > ROWS_ON_THE_LOOP:
                    result.set_result(self._aside(read))
                else:
                    few.append(read)
                    results.append(result)
            for result, told in zip(results, self._together(few) if few else (), strict=True):
                result.set_result(told)
        except Exception as error:  # noqa: BLE001 (nobody must wait for ever, whatever this is)
            for _, _, result in waiting[:count]:
                if not result.done():
                    result.set_result(error)
        return count

    def _read(self, asked: Asked, form: Form[Any]) -> _Read | Exception:
        try:
            if self._held >= self.model.policy.max_concurrency:
                raise _unavailable(f"{self._held} requests are being answered", "server")
            tensors = form.read()
            self.model.admit(tensors)
            return _Read(asked, form, tensors, rows_of(tensors))
        except Exception as error:  # noqa: BLE001 (it is raised where it is waited for)
            return _bare(error)

    def _together(self, batch: Sequence[_Read]) -> Sequence[_Done | Exception]:
        """Ask the model once for the rows of all."""
        tensors = joining.joined([read.tensors for read in batch])
        try:
            outputs = self._outputs(tensors)
        except Exception as error:  # noqa: BLE001 (it is raised where it is waited for)
            if len(batch) == 1:
                return [error]
        else:
            return self._finished(batch, tensors, outputs)
        # Whoever is at fault must not take its neighbours along.
        return [result for read in batch for result in self._together([read])]

    def _aside(self, read: _Read) -> _Aside | Exception:
        """Begin at once, so that a thread works on it while the next is read."""
        try:
            loop = asyncio.get_running_loop()
            outputs = loop.run_in_executor(None, self._outputs, read.tensors)
        except RuntimeError as error:  # there may be no more threads
            return error
        self._hold(1, outputs)
        return _Aside(read, outputs)

    def _outputs(self, tensors: Tensors) -> Outputs:
        outputs = self.model.answer(tensors)
        sound.require_rows(outputs, rows_of(tensors))
        return outputs

    def _finished(
        self, batch: Sequence[_Read], tensors: Tensors, outputs: Outputs
    ) -> Sequence[_Done | Exception]:
        """Write the answers of a batch, and record those that could be written."""
        counts = [read.rows for read in batch]
        parts = joining.parted(outputs, counts)
        written = [self._written(read, part) for read, part in zip(batch, parts, strict=True)]
        is_written = [isinstance(answer, Answer) for answer in written]
        requests = [(read.asked, read.rows) for read in compress(batch, is_written)]
        kept: asyncio.Future[None] | LogError | None = None
        if requests:
            try:
                kept = self._record.keep(
                    requests,
                    joining.chosen(tensors, counts, is_written),
                    joining.chosen(outputs, counts, is_written),
                )
            except LogError as error:
                kept = error
        if isinstance(kept, asyncio.Future):
            self._hold(len(requests), kept)
        results: list[_Done | Exception] = []
        for answer in written:
            if isinstance(answer, Exception):
                results.append(answer)
            elif isinstance(kept, LogError):
                results.append(_unrecorded(kept))
            else:
                results.append(_Done(answer, kept))
        return results

    def _written(self, read: _Read, outputs: Outputs) -> Answer[Any] | Exception:
        try:
            sound.require_numbers(self.model, outputs)
            return Answer(read.form.write(outputs), read.rows)
        except Exception as error:  # noqa: BLE001 (it is raised where it is waited for)
            return _bare(error)

    def _hold(self, requests: int, until: asyncio.Future[Any]) -> None:
        def release(done: asyncio.Future[Any]) -> None:
            self._held -= requests
            if not done.cancelled():
                done.exception()  # whether or not anybody is left whom it concerns

        self._held += requests
        until.add_done_callback(release)

    async def _in_time(self, asked: Asked, outputs: asyncio.Future[Outputs]) -> Outputs:
        try:
            async with self._timeout(asked):
                return await outputs
        except TimeoutError:
            raise refused(
                f"no answer within {self.model.policy.timeout_seconds:g} s",
                "rows",
                "send fewer rows at a time",
                HTTPStatus.GATEWAY_TIMEOUT,
            ) from None

    async def _until_kept(self, asked: Asked, kept: asyncio.Future[None]) -> None:
        try:
            async with self._timeout(asked):
                # Others of its batch wait for the same, and this one's client may go away.
                await asyncio.shield(kept)
        except TimeoutError:
            problem = f"not recorded within {self.model.policy.timeout_seconds:g} s"
            raise _unavailable(problem, "prediction log") from None

    def _timeout(self, asked: Asked) -> asyncio.Timeout:
        """For what is left of a request's time, of which its body has had a part."""
        taken = (time.monotonic_ns() - asked.started_ns) / 1e9
        return asyncio.timeout(max(0.0, self.model.policy.timeout_seconds - taken))


def _bare(error: Exception) -> Exception:
    """A refusal without its traceback; what nobody foresaw keeps it, for the log."""
    is_refusal = isinstance(error, CellError | RequestError)
    return error.with_traceback(None) if is_refusal else error


def _unrecorded(error: LogError) -> RequestError:
    return _unavailable(error.problem, "prediction log")


def _unavailable(problem: str, where: str) -> RequestError:
    return refused(problem, where, "try again in a moment", HTTPStatus.SERVICE_UNAVAILABLE)
