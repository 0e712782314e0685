"""The BentoML service: the worker's life, and `POST /predict`.

BentoML answers nothing, not even /livez, before `__init__` and the start-up hook are through: by
then the digest of the graph was checked and its golden rows were asked. A server whose graph is
wrong never becomes ready.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, ClassVar, cast

import bentoml
from starlette.requests import Request
from starlette.responses import Response

from pipelines.errors import CellError, ModelError, RequestError
from pipelines.serving import connections, logs, policy
from pipelines.serving.asgi import JSON, headers_of
from pipelines.serving.context import Asked
from pipelines.serving.front import ASKED, Doors, Front
from pipelines.serving.opening import open_proved
from pipelines.serving.problems import PROBLEM_JSON, failed, write_problem
from pipelines.serving.server import Server

# Beside the package `pipelines`, wherever the bento was unpacked.
MODEL_FOLDER = Path(__file__).resolve().parents[2] / "model"
DOORS = Doors()
TIMER_SECONDS = 5
_LOGGER = logging.getLogger(__name__)


class Predict(bentoml.IODescriptor):
    """What /predict takes; the body itself goes on unread.

    Pydantic would take "12" for 12, NaN for a number, and say less of what it refuses.
    """

    rows: list[dict[str, Any]]
    media_type: ClassVar[str | None] = JSON

    @classmethod
    async def from_http_request(cls, request: Request, serde: object) -> Predict:  # noqa: ARG003
        """The request as it came, under the name of the field."""
        return cls.model_construct(rows=(request.scope[ASKED], await request.body()))


class Prediction(bentoml.IODescriptor):
    """What /predict answers."""

    model: str
    version: str
    request_id: str
    classes: list[str] | None = None
    probabilities: list[float] | list[list[float]] | None = None
    labels: list[int] | list[str] | None = None
    values: list[float] | None = None


def _policy() -> policy.ServingPolicy:
    """How the version wants to be served; the default where the module is not part of a bento."""
    is_packaged = (MODEL_FOLDER / policy.SERVING_FILE).exists()
    return policy.read(MODEL_FOLDER) if is_packaged else policy.ServingPolicy()


POLICY = _policy()
connections.use()


@bentoml.service(
    name="evergreen",
    workers=POLICY.workers,
    threads=1,
    # The doors themselves bound time and number of requests. BentoML keeps a timer of each request
    # for as long as this, answered or not, so that more would be memory that grows with the load.
    traffic={"timeout": POLICY.timeout_seconds + TIMER_SECONDS},
    # Nobody collects spans here, and they were most of what a request cost.
    tracing={"excluded_urls": ".*"},
    logging={"access": {"enabled": False}},
    # BentoML's own metrics have a label for each path that anybody ever asked for.
    metrics={"enabled": False},
)
class Evergreen:
    """Serves the model folder that the bento carries."""

    def __init__(self) -> None:
        self._server = Server(MODEL_FOLDER, DOORS, bentoml.server_context.worker_index)

    @bentoml.on_deployment
    @staticmethod
    def prove() -> None:
        """Ask the golden rows once, before there are workers, and end the server if they differ.

        BentoML replaces a worker that ends, whatever the reason: for a bento that is spoilt it
        would do so for ever, and whoever started it would never hear why.

        Raises:
            SystemExit: the bento can never become ready; its reason is the last line of the log.
        """
        try:
            model, _ = open_proved(MODEL_FOLDER)
        except ModelError as error:
            _LOGGER.error("%s", error)
            raise SystemExit(error.exit_code) from error
        logs.LINES.serve(model)

    @bentoml.on_startup
    async def open(self) -> None:
        await self._server.open()

    @bentoml.on_shutdown
    async def close(self) -> None:
        await self._server.close()

    @bentoml.api(route="/predict", input_spec=Predict, output_spec=Prediction)
    async def predict(self, rows: tuple[Asked, bytes]) -> Response:
        """Answers of the rows of {"rows": [{...}, ...]}."""
        known, body = rows
        headers = self._server.headers(known)
        try:
            content = await self._server.predict(known, body)
            return Response(content, headers=headers, media_type=JSON)
        except (RequestError, CellError) as error:
            refusal = error.with_traceback(None)  # which holds this frame, and the frame the body
        except Exception:
            # BentoML would answer in a form of its own, and without the request id.
            _LOGGER.exception("request %s failed", known.request_id)
            refusal = failed(known.request_id)
        status, content = write_problem(refusal)
        headers |= {name.decode(): value.decode() for name, value in headers_of(refusal, status)}
        self._server.answering.through(known, status)
        return Response(content, status, headers, media_type=PROBLEM_JSON)


# The decorator made a bentoml.Service of the class, which its type does not say.
cast(Any, Evergreen).add_asgi_middleware(Front, doors=DOORS)
