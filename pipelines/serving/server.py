"""One worker of a server: a model, opened and held to its golden rows, and its doors."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
from http import HTTPStatus
from pathlib import Path

from pipelines.serving import docs_page, logs, metrics, openapi, places
from pipelines.serving.answering import Answering
from pipelines.serving.asgi import JSON, App, Message, Receive, Send, require, respond
from pipelines.serving.bodies import Bodies
from pipelines.serving.context import MODEL_VERSION, REQUEST_ID, Asked
from pipelines.serving.feedback import FeedbackDoor
from pipelines.serving.front import Doors
from pipelines.serving.identity import Verifier
from pipelines.serving.inference_protocol.grpc_door import GrpcDoor
from pipelines.serving.inference_protocol.rest import PREFIX, RestDoor
from pipelines.serving.opening import open_proved
from pipelines.serving.recording import record_of
from pipelines.serving.rows_json import RowsForm

COUNT_SECONDS = 1.0
_JSON = (b"content-type", JSON.encode())
_LOGGER = logging.getLogger(__name__)


class Server:
    """What a worker does for as long as it lives."""

    def __init__(self, folder: Path, doors: Doors, worker: int | None = None) -> None:
        self.model, known = open_proved(folder)
        logs.LINES.serve(self.model)
        self._meters = metrics.Meters(self.model, worker)
        self._record = record_of(self.model)
        policy = self.model.policy
        bodies = Bodies(policy.max_body_bytes, policy.timeout_seconds)
        self._feedback = FeedbackDoor.open(self.model, bodies)
        self.answering = Answering(self.model, self._record, self._meters)
        release = self.model.version
        verifier = Verifier.of_environment(self.model.name)
        self._grpc = GrpcDoor(self.answering, release, verifier)
        doors.bodies = bodies
        doors.version = self.model.version
        doors.through = self.answering.through
        if verifier is not None:
            doors.guard = verifier.require
        doors.prefixes[PREFIX] = RestDoor(self.answering, bodies, release)
        doors.exact["/feedback"] = self._feedback
        doors.exact["/docs.json"] = _page(openapi.document(self.model, known), _JSON)
        doors.exact["/"] = _page(docs_page.page_of(self.model.name), *docs_page.HEADERS)
        doors.exact["/metrics"] = self._metrics

    async def open(self) -> None:
        """Open the doors that are not BentoML's."""
        if address := os.environ.get(places.GRPC):
            await self._grpc.open(address)
        self._counting = asyncio.create_task(self._count())
        # What was imported stays: the collector need not walk through all of it again and again,
        # which takes a tenth of a second, in the middle of somebody's request.
        gc.collect()
        gc.freeze()
        _LOGGER.info("ready, with the graph %s", self.model.digest[:12])

    async def close(self) -> None:
        """Answer what is being answered, and write down what was."""
        await self._grpc.close()
        self._counting.cancel()
        try:
            await asyncio.to_thread(self._record.close)
        finally:
            self._tell()
            await asyncio.to_thread(self._feedback.close)
        _LOGGER.info("ended")

    async def _count(self) -> None:
        """Tell the metrics what was done; every worker its own, for /metrics asks one."""
        while True:
            self._tell()
            await asyncio.sleep(COUNT_SECONDS)

    def _tell(self) -> None:
        self._meters.tell()
        self._meters.log(self._record.counts)
        self._meters.log_health(self._record.files, has_problem=self._record.has_problem)

    async def predict(self, known: Asked, body: bytes) -> bytes:
        """The answer of /predict.

        Raises:
            RequestError, CellError: the request is refused.
        """
        form = RowsForm(self.model, known.request_id, body)
        content, rows = await self.answering.answer(known, form)
        self.answering.through(known, HTTPStatus.OK, rows)
        return content

    def headers(self, known: Asked) -> dict[str, str]:
        """The headers of every answer to a request."""
        return {
            REQUEST_ID.decode(): known.request_id,
            MODEL_VERSION.decode(): self.model.version,
        }

    async def _metrics(self, scope: Message, receive: Receive, send: Send) -> None:  # noqa: ARG002
        require(scope, "GET")
        headers = [(b"content-type", metrics.CONTENT_TYPE)]
        await respond(send, HTTPStatus.OK, headers, self._meters.exposition())


def _page(content: bytes, *headers: tuple[bytes, bytes]) -> App:
    async def page(scope: Message, receive: Receive, send: Send) -> None:  # noqa: ARG001
        require(scope, "GET")
        await respond(send, HTTPStatus.OK, list(headers), content)

    return page
