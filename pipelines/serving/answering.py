"""From encoded rows to an answer that was recorded: what all doors share."""

from __future__ import annotations

import asyncio
import math
import time
from http import HTTPStatus

import numpy as np

from pipelines.errors import LogError, RequestError
from pipelines.inference.encode import Tensors
from pipelines.serving.context import Asked
from pipelines.serving.metrics import Meters
from pipelines.serving.problems import refused
from pipelines.serving.recording import Record
from pipelines.serving.served import Outputs, Servable, rows_of

# More rows than this take milliseconds, in which the event loop could not answer others.
ROWS_ON_THE_LOOP = 32


class Answering:
    """One model that answers, with its limits, its record and its counters."""

    def __init__(self, model: Servable, record: Record, meters: Meters) -> None:
        self.model = model
        self._record = record
        self._meters = meters
        self._at_once = 0

    async def answer(self, asked: Asked, tensors: Tensors) -> Outputs:
        """Answer the rows, and record it.

        Raises:
            CellError: the policy keeps a row out.
            RequestError: 503 when too much is asked at once or the answer cannot be recorded, 504
                when it takes too long, 500 when the model's answer is no number.
        """
        if self._at_once >= self.model.policy.max_concurrency:
            raise _unavailable(f"{self._at_once} requests are being answered", "server")
        self._at_once += 1
        try:
            self.model.admit(tensors)
            if rows_of(tensors) > ROWS_ON_THE_LOOP:
                outputs = await self._aside(tensors)
            else:
                outputs = self.model.answer(tensors)
            _require_numbers(self.model, outputs)
            try:
                await self._record.keep(asked, tensors, outputs)
            except LogError as error:
                raise _unavailable(error.problem, "prediction log") from error
            return outputs
        finally:
            self._at_once -= 1

    def through(self, asked: Asked, status: int, rows: int = 0) -> None:
        """Count a request that has its answer."""
        seconds = (time.monotonic_ns() - asked.started_ns) / 1e9
        self._meters.count(asked.door, status, seconds, rows)

    async def _aside(self, tensors: Tensors) -> Outputs:
        seconds = self.model.policy.timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.to_thread(self.model.answer, tensors)
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


def _unavailable(problem: str, where: str) -> RequestError:
    return refused(problem, where, "try again in a moment", HTTPStatus.SERVICE_UNAVAILABLE)
