"""The ways into a model server: what a row looks like there, and how its answer is read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Answer:
    """What a server said of one row: `scores` has one number, or with several classes one each."""

    model: str
    version: str
    scores: list[float]


class Door(Protocol):
    """One protocol over HTTP; every request carries one row."""

    @property
    def path(self) -> str:
        """Where requests are posted, as `/predict`."""
        ...

    def body(self, row: dict[str, Any]) -> bytes:
        """The JSON of a request with this row."""
        ...

    def read(self, content: bytes) -> Answer:
        """The answer in the body of a response of status 200.

        Raises:
            ValueError: it is none; says why.
        """
        ...


class Predict:
    """`POST /predict`: rows by column name."""

    path = "/predict"

    def body(self, row: dict[str, Any]) -> bytes:
        return json.dumps({"rows": [row]}, allow_nan=False).encode()

    def read(self, content: bytes) -> Answer:
        value = json.loads(content)
        try:
            [scores] = value["probabilities"] if "probabilities" in value else value["values"]
            numbers = scores if isinstance(scores, list) else [scores]
            return Answer(value["model"], value["version"], [float(number) for number in numbers])
        except (TypeError, KeyError) as error:
            raise ValueError(f"not a prediction: {error!r}") from error


DOORS: dict[str, Door] = {"predict": Predict()}
