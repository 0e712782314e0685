"""The record of what was answered: the prediction log, or nothing, as serving.json says."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import Protocol

from pipelines.errors import LogError
from pipelines.inference.encode import Tensors
from pipelines.predictions.log import PredictionLog
from pipelines.predictions.record import Answered
from pipelines.serving import places
from pipelines.serving.context import Asked
from pipelines.serving.served import Outputs, Servable

_LOGGER = logging.getLogger(__name__)
CLOSE_SECONDS = 5.0


class Record(Protocol):
    """Where answers are recorded."""

    async def keep(self, asked: Asked, tensors: Tensors, outputs: Outputs) -> None:
        """Keep one answer; raises LogError if it has to be kept and cannot be."""

    @property
    def counts(self) -> dict[str, int]:
        """Rows by what became of them, for the metrics."""

    def close(self) -> None:
        """Write what is waiting."""


class NoRecord:
    """For `serve.log.mode: off`, and for a server that was given no folder."""

    counts: dict[str, int] = {}  # noqa: RUF012 (never written to)

    async def keep(self, asked: Asked, tensors: Tensors, outputs: Outputs) -> None:
        """Nothing is kept."""

    def close(self) -> None:
        """Nothing is open."""


class Logged:
    """Every answer goes to the prediction log."""

    def __init__(self, log: PredictionLog, version: str, *, is_audit: bool) -> None:
        self._log = log
        self._version = version
        self._is_audit = is_audit

    async def keep(self, asked: Asked, tensors: Tensors, outputs: Outputs) -> None:
        """Offer the answer to the log; in the mode `audit`, wait until it is written."""
        answered = Answered(
            request_id=asked.request_id,
            arrived_ns=asked.arrived_ns,
            version=self._version,
            door=asked.door,
            is_shadow=asked.is_shadow,
            latency_us=(time.monotonic_ns() - asked.started_ns) // 1000,
            tensors=tensors,
            outputs=outputs,
        )
        if self._is_audit:
            await self._log.write(answered)
        else:
            self._log.offer(answered)

    @property
    def counts(self) -> dict[str, int]:
        counts = self._log.counts
        return {
            "written": counts.written,
            "dropped": counts.dropped,
            "failed": counts.failed,
            "queued": counts.queued,
        }

    def close(self) -> None:
        self._log.close(CLOSE_SECONDS)


def record_of(model: Servable) -> Record:
    """Open the record of a model.

    Raises:
        LogError: the log cannot be opened, or `audit` is asked for and there is no folder.
    """
    policy = model.policy.log
    if policy.mode == "off":
        return NoRecord()
    folder = os.environ.get(places.PREDICTIONS)
    if not folder:
        if policy.mode == "audit":
            raise LogError(
                "serve.log.mode is audit, and there is no folder to log to",
                where=places.PREDICTIONS,
                next_step=f"set {places.PREDICTIONS} to a folder that outlives the server",
            )
        _LOGGER.warning("answers are not logged: %s is not set", places.PREDICTIONS)
        return NoRecord()
    log = PredictionLog.open(Path(folder), model.schema, policy, _key())
    return Logged(log, f"{model.name}@{model.version}", is_audit=policy.mode == "audit")


def _key() -> bytes | None:
    path = os.environ.get(places.KEY)
    if not path:
        return None
    try:
        return Path(path).read_bytes().strip()
    except OSError as error:
        raise LogError(
            f"the key of identifiers cannot be read: {error.strerror}",
            where=path,
            next_step=f"put a key there, or unset {places.KEY}",
        ) from error
