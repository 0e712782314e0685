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
from pipelines.serving import places
from pipelines.serving.asgi import JSON, Message, Receive, Send, refuse, require, respond
from pipelines.serving.bodies import Bodies
from pipelines.serving.context import MODEL_VERSION, REQUEST_ID, asked
from pipelines.serving.problems import refused
from pipelines.serving.rows_json import parse_as, refuse_many
from pipelines.serving.served import Servable

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
        model: whose answers they are about; its policy bounds their number.
        bodies: reads those of requests.
    """

    def __init__(self, store: Feedback | None, model: Servable, bodies: Bodies) -> None:
        self._store = store
        self._bodies = bodies
        self._max_rows = model.policy.max_rows
        self._version = model.version.encode()

    @classmethod
    def open(cls, model: Servable, bodies: Bodies) -> FeedbackDoor:
        """Open the store in the folder of EVERGREEN_FEEDBACK.

        Raises:
            LogError: the folder cannot be written to.
        """
        folder = os.environ.get(places.FEEDBACK)
        store = Feedback.open(Path(folder), model.schema) if folder else None
        return cls(store, model, bodies)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        request_id = asked("rest", scope["headers"]).request_id
        told = [(REQUEST_ID, request_id.encode()), (MODEL_VERSION, self._version)]
        try:
            require(scope, "POST", JSON)
            kept = await self._keep(await self._bodies.read(receive))
        except (RequestError, CellError) as error:
            await refuse(send, error, told)
            return
        told.append((b"content-type", JSON.encode()))
        await respond(send, HTTPStatus.OK, told, msgspec.json.encode({"accepted": kept}))

    async def _keep(self, body: bytes) -> int:
        labels = parse_as(body, _DECODER).labels
        refuse_many(len(labels), self._max_rows)
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
