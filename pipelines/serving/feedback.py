"""POST /feedback: what turned out to be true of requests that were answered."""

from __future__ import annotations

import asyncio
import os
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec

from pipelines.errors import CellError, LogError, RequestError
from pipelines.predictions.feedback import Feedback
from pipelines.schema import Schema
from pipelines.serving import places
from pipelines.serving.asgi import Message, Receive, Send, read_body, refuse, require, respond
from pipelines.serving.policy import ServingPolicy
from pipelines.serving.problems import refused
from pipelines.serving.rows_json import JSON, parse_as, refuse_many

CLOSE_SECONDS = 5.0


class _Label(msgspec.Struct, forbid_unknown_fields=True):
    request_id: str
    label: Any
    row: int = 0


class _Labels(msgspec.Struct, forbid_unknown_fields=True):
    labels: list[_Label]


_DECODER = msgspec.json.Decoder(_Labels)


class FeedbackDoor:
    """Takes `{"labels": [{"request_id": ..., "label": ..., "row": 0}]}`.

    Args:
        store: where labels go; None for a server that was given no folder.
        policy: bounds the body.
    """

    def __init__(self, store: Feedback | None, policy: ServingPolicy) -> None:
        self._store = store
        self._policy = policy

    @classmethod
    def open(cls, schema: Schema, policy: ServingPolicy) -> FeedbackDoor:
        """Open the store in the folder of EVERGREEN_FEEDBACK.

        Raises:
            LogError: the folder cannot be written to.
        """
        folder = os.environ.get(places.FEEDBACK)
        return cls(Feedback.open(Path(folder), schema) if folder else None, policy)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        try:
            require(scope, "POST")
            policy = self._policy
            body = await read_body(receive, policy.max_body_bytes, policy.timeout_seconds)
            kept = await self._keep(body)
        except (RequestError, CellError) as error:
            await refuse(send, error)
            return
        content = msgspec.json.encode({"accepted": kept})
        await respond(send, HTTPStatus.OK, [(b"content-type", JSON.encode())], content)

    async def _keep(self, body: bytes) -> int:
        labels = parse_as(body, _DECODER).labels
        refuse_many(len(labels), self._policy.max_rows)
        if self._store is None:
            raise _unavailable("this server keeps no feedback", f"set {places.FEEDBACK}")
        try:
            await asyncio.to_thread(
                self._store.add,
                [label.request_id for label in labels],
                [label.label for label in labels],
                [label.row for label in labels],
            )
        except LogError as error:
            raise _unavailable(error.problem, "send them again") from error
        return len(labels)

    def close(self) -> None:
        """Write what is open."""
        if self._store is not None:
            self._store.close(CLOSE_SECONDS)


def _unavailable(problem: str, next_step: str) -> RequestError:
    return refused(problem, "feedback", next_step, HTTPStatus.SERVICE_UNAVAILABLE)
