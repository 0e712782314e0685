"""Where the evidence of one model's rollout comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipelines.observing.requests import Request
from pipelines.schema import Schema


class RequestLog(Protocol):
    """What the gateway wrote of one model's requests for answers."""

    def __call__(self, since: float, until: float) -> Iterator[Request]:
        """The requests with `since <= ended < until`, unix seconds.

        Raises:
            EvergreenError: the log cannot be read.
        """


@dataclass(frozen=True)
class Sources:
    """The logs of one model.

    Attributes:
        requests: of the gateway.
        predictions: the folder of what the servers answered.
        feedback: the folder of what turned out to be true.
        schema: of the model.
        timeout_seconds: the most that a request may take. A copy whose answer is not on record by
            then never got one.
    """

    requests: RequestLog
    predictions: Path
    feedback: Path
    schema: Schema
    timeout_seconds: float
