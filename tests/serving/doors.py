"""ASGI applications, asked in this process as a server would ask them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.schema import Schema
from pipelines.serving.answering import Answering
from pipelines.serving.asgi import App
from pipelines.serving.bodies import Bodies
from pipelines.serving.inference_protocol.rest import RestDoor
from pipelines.serving.metrics import Meters
from pipelines.serving.recording import NoRecord
from tests.serving import graphs


@dataclass(frozen=True)
class Answer:
    """What an application sent."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def problem(self) -> Any:
        """Of a refusal, which has to be in the form of all of them."""
        assert self.headers["content-type"] == "application/problem+json"
        assert self.json["status"] == self.status
        return self.json


def ask(
    app: App,
    path: str,
    method: str = "GET",
    body: bytes = b"",
    headers: dict[str, str] | None = None,
) -> Answer:
    """The answer of `app`; one that sends none is an error here."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    raw = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    scope = {"type": "http", "method": method, "path": path, "headers": raw}
    asyncio.run(app(scope, receive, send))
    start, *rest = sent
    told = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], told, b"".join(part["body"] for part in rest))


def rest_door(one: Answering) -> RestDoor:
    """The protocol's routes of a model."""
    policy = one.model.policy
    return RestDoor(one, Bodies(policy.max_body_bytes, policy.timeout_seconds), "v3")


def answering(folder: Path, schema: Schema = graphs.TABLE, **policy: Any) -> Answering:
    """A model that answers, and records nothing."""
    served = graphs.model(folder, schema, **policy)
    return Answering(served, NoRecord(), Meters(served))
