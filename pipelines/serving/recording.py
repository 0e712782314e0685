"""The record of what was answered: the prediction log, or nothing, as serving.json says."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from pipelines.errors import LogError
from pipelines.inference.encode import Tensors
from pipelines.predictions.log import PredictionLog
from pipelines.predictions.record import Answered, AnsweredRequest
from pipelines.serving import places
from pipelines.serving.context import Asked
from pipelines.serving.served import Outputs, Servable

_LOGGER = logging.getLogger(__name__)
CLOSE_SECONDS = 5.0
# Requests, each with the number of its rows.
Requests = Sequence[tuple[Asked, int]]


class Record(Protocol):
    """Where answers are recorded."""

    def keep(
        self, requests: Requests, tensors: Tensors, outputs: Outputs
    ) -> asyncio.Future[None] | None:
        """Keep the answers of requests that were answered together.

        Args:
            requests: in the order of their rows.
            tensors: their rows.
            outputs: the answer to these rows.

        Returns:
            What has to be waited for before the answers may go out, if anything has. It raises
            LogError if they could not be kept.

        Raises:
            LogError: they have to be kept, and cannot be.
        """

    @property
    def counts(self) -> dict[str, int]:
        """Rows by what became of them, for the metrics."""

    @property
    def files(self) -> dict[str, int]:
        """Files that are not as they should end, by what they are, for the metrics."""

    @property
    def has_problem(self) -> bool:
        """Whether the last write or closing failed; the server's log says why."""

    def close(self) -> None:
        """Write what is waiting."""


class NoRecord:
    """For `serve.log.mode: off`, and for a server that was given no folder."""

    counts: dict[str, int] = {}  # noqa: RUF012 (never written to)
    files: dict[str, int] = {}  # noqa: RUF012 (never written to)
    has_problem = False

    def keep(self, requests: Requests, tensors: Tensors, outputs: Outputs) -> None:
        """Nothing is kept."""

    def close(self) -> None:
        """Nothing is open."""


class Logged:
    """Every answer goes to the prediction log."""

    def __init__(self, log: PredictionLog, version: str, *, is_audit: bool) -> None:
        self._log = log
        self._version = version
        self._is_audit = is_audit

    def keep(
        self, requests: Requests, tensors: Tensors, outputs: Outputs
    ) -> asyncio.Future[None] | None:
        """Offer the answers to the log; in the mode `audit`, they wait until it has them."""
        now_ns = time.monotonic_ns()
        told = [
            AnsweredRequest(
                asked.request_id,
                asked.arrived_ns,
                asked.door,
                asked.is_shadow,
                (now_ns - asked.started_ns) // 1000,
                rows,
            )
            for asked, rows in requests
        ]
        answered = Answered(self._version, told, tensors, outputs)
        if self._is_audit:
            return self._log.begin(answered)
        self._log.offer(answered)
        return None

    @property
    def counts(self) -> dict[str, int]:
        counts = self._log.counts
        return {
            "written": counts.written,
            "dropped": counts.dropped,
            "failed": counts.failed,
            "queued": counts.queued,
        }

    @property
    def files(self) -> dict[str, int]:
        counts = self._log.counts
        return {"torn": counts.torn, "unclosed": counts.unclosed}

    @property
    def has_problem(self) -> bool:
        return self._log.counts.problem is not None

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
