"""Requests that went through a gateway and were answered: both logs of them, and the labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.observing.requests import Request
from pipelines.observing.sources import Sources
from pipelines.predictions import record
from pipelines.predictions.feedback import Feedback
from pipelines.predictions.log import PredictionLog
from pipelines.predictions.policy import LogPolicy
from pipelines.schema import Schema
from tests.model_folder import SCHEMA

CHAMPION, CHALLENGER = "flights@v1", "flights@v2"
TIMEOUT = 5.0
ALONE = {CHAMPION: 100}


@dataclass
class Traffic:
    """What happened, written as the gateway and the servers write it."""

    folder: Path
    schema: Schema = SCHEMA
    requests: list[Request] = field(default_factory=list)
    policy: LogPolicy = field(default_factory=LogPolicy)

    @property
    def sources(self) -> Sources:
        return Sources(
            self._read,
            self.folder / "predictions",
            self.folder / "feedback",
            self.schema,
            TIMEOUT,
        )

    def _read(self, since: float, until: float) -> Iterator[Request]:
        return (each for each in self.requests if since <= each.ended < until)

    def add(self, ended: float, arm: str = CHAMPION, **changes: Any) -> Request:
        """One request, and no answer of a server's yet."""
        known: dict[str, Any] = {
            "ended": ended,
            "arm": arm,
            "weights": {CHAMPION: 75, CHALLENGER: 25},
            "mirror": None,
            "has_failed": False,
            "has_timed_out": False,
            "is_answered": True,
            "is_refused": False,
            "duration_ms": 4.0,
            "request_id": f"r{len(self.requests)}",
            "session": None,
        }
        request = Request(**{**known, **changes})
        self.requests.append(request)
        return request

    def answer(self, answers: Sequence[record.Answered]) -> None:
        """What the servers put on record."""
        folder = self.folder / "predictions"
        folder.mkdir(parents=True, exist_ok=True)
        log = PredictionLog.open(folder, self.schema, self.policy, None)
        for each in answers:
            log.offer(each)
        log.close(30)
        assert log.counts.written == sum(each.rows for each in answers)

    def label(self, request_ids: Sequence[str], labels: Sequence[object], at: float) -> None:
        folder = self.folder / "feedback"
        folder.mkdir(parents=True, exist_ok=True)
        feedback = Feedback.open(folder, self.schema)
        feedback.add(request_ids, labels, arrived_ns=int(at * 1e9))
        feedback.close(30)


def answered(
    request: Request,
    probability: float | Sequence[float] = 0.25,
    version: str | None = None,
    *,
    is_shadow: bool = False,
    latency_ms: float = 2.0,
) -> record.Answered:
    """The record of a server's answer to a request, of one row or more."""
    scores = np.atleast_1d(np.array(probability, dtype=np.float64))
    rows = len(scores)
    tensors: dict[str, Any] = {
        "numbers": np.arange(rows * 3, dtype=np.float64).reshape(rows, 3),
        "categories": np.array([["AA", "JFK"]] * rows, dtype=object),
    }
    told = record.AnsweredRequest(
        request_id=request.request_id,
        arrived_ns=int((request.ended - request.duration_ms / 1000) * 1e9),
        door="predict",
        is_shadow=is_shadow,
        latency_us=int(latency_ms * 1000),
        rows=rows,
    )
    return record.Answered(
        version=version or (CHALLENGER if is_shadow else request.arm),
        requests=[told],
        tensors=tensors,
        outputs={"label": (scores >= 0.5).astype(np.int64), "probability": scores},
    )
