"""From a request to an answer that was recorded: what all doors share."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from http import HTTPStatus
from itertools import compress
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np

from pipelines.errors import LogError, RequestError
from pipelines.inference.encode import Tensors
from pipelines.serving import joining
from pipelines.serving.batching import Batcher
from pipelines.serving.context import Asked, Door
from pipelines.serving.metrics import Meters
from pipelines.serving.problems import refused
from pipelines.serving.recording import Record
from pipelines.serving.served import Outputs, Servable, rows_of

# More rows than this take milliseconds, in which the event loop could not answer others.
ROWS_ON_THE_LOOP = 32
# How long a call of gRPC waits for others: a fraction of what it takes when there are others.
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


class _Aside(NamedTuple):
    """A request of many rows, and its outputs to come."""

    read: _Read
    outputs: asyncio.Future[Outputs]


class _Done(NamedTuple):
    """An answer, and what has to be waited for before it may go out."""

    answer: Answer[Any]
    kept: asyncio.Future[None] | None


class _Request(NamedTuple):
    asked: Asked
    form: Form[Any]
    # An error is a result here: one that nobody waits for any more is no event.
    result: asyncio.Future[_Done | _Aside | Exception]


class _Read(NamedTuple):
    request: _Request
    tensors: Tensors
    rows: int


class Answering:
    """One model that answers, with its limits, its record and its counters."""

    def __init__(self, model: Servable, record: Record, meters: Meters) -> None:
        self.model = model
        self._record = record
        self._meters = meters
        http = Batcher(self._work)
        grpc = Batcher(self._work, GRPC_WINDOW_SECONDS)
        self._batchers: dict[Door, Batcher[_Request]] = {
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
        request = _Request(asked, form, asyncio.get_running_loop().create_future())
        self._batchers[asked.door].add(request)
        result = await request.result
        if isinstance(result, _Aside):
            outputs = await self._in_time(result.outputs)
            [result] = self._finished([result.read], result.read.tensors, outputs)
        if isinstance(result, Exception):
            raise result
        if result.kept is not None:
            try:
                # Others of its batch may wait for the same, when this one's client goes away.
                await asyncio.shield(result.kept)
            except LogError as error:
                raise _unrecorded(error) from error
        return result.answer

    def through(self, asked: Asked, status: int, rows: int = 0) -> None:
        """Count a request that has its answer."""
        seconds = (time.monotonic_ns() - asked.started_ns) / 1e9
        self._meters.count(asked.door, status, seconds, rows)

    def _work(self, requests: Sequence[_Request]) -> None:
        """Answer the requests of few rows, and begin to answer those of many."""
        few: list[_Read] = []
        for request in requests:
            if request.result.done():  # its client is gone
                continue
            try:
                read = self._read(request)
            except Exception as error:  # noqa: BLE001 (it is raised where it is waited for)
                request.result.set_result(error)
                continue
            if read.rows <= ROWS_ON_THE_LOOP:
                few.append(read)
            else:
                # Begun at once, so that a thread works on it while the next is read.
                loop = asyncio.get_running_loop()
                outputs = loop.run_in_executor(None, self.model.answer, read.tensors)
                self._hold(1, outputs)
                request.result.set_result(_Aside(read, outputs))
        for part in joining.within([read.rows for read in few], ROWS_ON_THE_LOOP):
            self._together(few[part])

    def _read(self, request: _Request) -> _Read:
        if self._held >= self.model.policy.max_concurrency:
            raise _unavailable(f"{self._held} requests are being answered", "server")
        tensors = request.form.read()
        self.model.admit(tensors)
        return _Read(request, tensors, rows_of(tensors))

    def _together(self, batch: Sequence[_Read]) -> None:
        tensors = joining.joined([read.tensors for read in batch])
        try:
            outputs = self.model.answer(tensors)
        except Exception as error:  # noqa: BLE001 (it is raised where it is waited for)
            if len(batch) == 1:
                batch[0].request.result.set_result(error)
                return
            # Whoever is at fault must not take its neighbours along.
            for read in batch:
                self._together([read])
            return
        for read, result in zip(batch, self._finished(batch, tensors, outputs), strict=True):
            read.request.result.set_result(result)

    def _finished(
        self, batch: Sequence[_Read], tensors: Tensors, outputs: Outputs
    ) -> list[_Done | Exception]:
        """Write the answers of a batch, and record those that could be written."""
        counts = [read.rows for read in batch]
        parts = joining.parted(outputs, counts)
        written = [self._written(read, part) for read, part in zip(batch, parts, strict=True)]
        which = [isinstance(answer, Answer) for answer in written]
        if not any(which):
            return [answer for answer in written if isinstance(answer, Exception)]
        requests = [(read.request.asked, read.rows) for read in compress(batch, which)]
        try:
            kept = self._record.keep(
                requests,
                joining.chosen(tensors, counts, which),
                joining.chosen(outputs, counts, which),
            )
        except LogError as error:
            return [_unrecorded(error)] * len(batch)
        except Exception as error:  # noqa: BLE001 (it is raised where it is waited for)
            return [error] * len(batch)
        if kept is not None:
            self._hold(len(requests), kept)
        return [_Done(answer, kept) if isinstance(answer, Answer) else answer for answer in written]

    def _written(self, read: _Read, outputs: Outputs) -> Answer[Any] | Exception:
        try:
            _require_numbers(self.model, outputs)
            return Answer(read.request.form.write(outputs), read.rows)
        except Exception as error:  # noqa: BLE001 (it is raised where it is waited for)
            return error

    def _hold(self, requests: int, until: asyncio.Future[Any]) -> None:
        def release(_: asyncio.Future[Any]) -> None:
            self._held -= requests

        self._held += requests
        until.add_done_callback(release)

    async def _in_time(self, outputs: asyncio.Future[Outputs]) -> Outputs:
        seconds = self.model.policy.timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                return await outputs
        except TimeoutError:
            raise refused(
                f"no answer within {seconds:g} s",
                "rows",
                "send fewer rows at a time",
                HTTPStatus.GATEWAY_TIMEOUT,
            ) from None


def _require_numbers(model: Servable, outputs: Outputs) -> None:
    for output in model.outputs:
        if output.is_partial or output.datatype != "FP64":
            continue
        values = outputs[output.name]
        # A sum that is finite has only finite parts.
        total = values.item() if values.size == 1 else np.add.reduce(values, axis=None)
        if math.isfinite(total) or np.isfinite(values).all():
            continue
        row = int(np.argmax(~np.isfinite(values).reshape(len(values), -1).all(axis=1)))
        raise refused(
            f"the model's {output.name} is no number",
            f"row {row} (counted from 0)",
            "report the request id: the model is at fault, and not the row",
            HTTPStatus.INTERNAL_SERVER_ERROR,
        )


def _unrecorded(error: LogError) -> RequestError:
    return _unavailable(error.problem, "prediction log")


def _unavailable(problem: str, where: str) -> RequestError:
    return refused(problem, where, "try again in a moment", HTTPStatus.SERVICE_UNAVAILABLE)
