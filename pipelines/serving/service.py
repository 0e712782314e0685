"""The BentoML service: one model, one API, `POST /predict`.

BentoML answers nothing, not even /livez, before `__init__` is through: by then the digest of the
graph was checked and the graph has run. A server whose graph is wrong never becomes ready.
"""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import Any, ClassVar, cast

import anyio
import bentoml
from starlette.requests import Request
from starlette.responses import Response

from pipelines.errors import CellError, RequestError
from pipelines.inference.encode import encode_rows
from pipelines.inference.session import ModelSession
from pipelines.serving import release
from pipelines.serving.body_limit import BodyLimit
from pipelines.serving.protocol import (
    JSON,
    MAX_BODY_BYTES,
    PROBLEM_JSON,
    read_rows,
    write_answer,
    write_problem,
)

# Beside the package `pipelines`, wherever the bento was unpacked.
MODEL_FOLDER = Path(__file__).resolve().parents[2] / "model"
# More rows than this take milliseconds, in which the event loop could not answer others.
ROWS_ON_THE_LOOP = 32


class Predict(bentoml.IODescriptor):
    """What /predict takes, for the OpenAPI document; the body itself goes on unread.

    Pydantic would take "12" for 12, NaN for a number, and say less of what it refuses.
    """

    rows: list[dict[str, Any]]
    media_type: ClassVar[str | None] = JSON

    @classmethod
    async def from_http_request(cls, request: Request, serde: object) -> Predict:  # noqa: ARG003
        """The body as it came, under the name of the field."""
        declared = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
        return cls.model_construct(rows=(declared, await request.body()))


class Prediction(bentoml.IODescriptor):
    """What /predict answers, for the OpenAPI document."""

    model: str
    version: str
    classes: list[str] | None = None
    probabilities: list[float] | list[list[float]] | None = None
    labels: list[int] | list[str] | None = None
    values: list[float] | None = None


@bentoml.service(
    name="evergreen",
    workers=1,
    threads=1,
    traffic={"timeout": 10, "max_concurrency": 256},
    # Nobody collects spans here, and they were most of what a request cost.
    tracing={"excluded_urls": ".*"},
    logging={"access": {"enabled": False}},
    # BentoML's own metrics have a label for each path that anybody ever asked for.
    metrics={"enabled": False},
)
class Evergreen:
    """Serves the model folder that the bento carries."""

    def __init__(self) -> None:
        self._model = ModelSession.open(MODEL_FOLDER, threads=1)
        self._version = release.read(MODEL_FOLDER).version

    @bentoml.api(route="/predict", input_spec=Predict, output_spec=Prediction)
    async def predict(self, rows: tuple[str, bytes]) -> Response:
        """Probabilities and labels, or values, of the rows of {"rows": [{...}, ...]}."""
        content_type, body = rows
        try:
            return Response(await self._answer(content_type, body), media_type=JSON)
        except (RequestError, CellError) as error:
            status, content = write_problem(error)
            return Response(content, status, media_type=PROBLEM_JSON)

    async def _answer(self, content_type: str, body: bytes) -> bytes:
        if content_type != JSON:
            raise RequestError(
                f"{content_type!r} is not taken here",
                where="content-type",
                next_step=f"send {JSON}",
                status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            )
        requested = read_rows(body)
        if len(requested) > ROWS_ON_THE_LOOP:
            return await anyio.to_thread.run_sync(self._score, requested)
        return self._score(requested)

    def _score(self, requested: list[dict[str, Any]]) -> bytes:
        signature = self._model.signature
        prediction = self._model.predict(encode_rows(signature.schema, requested))
        return write_answer(signature.schema, signature.model, self._version, prediction)


# The decorator made a bentoml.Service of the class, which its type does not say.
cast(Any, Evergreen).add_asgi_middleware(BodyLimit, max_bytes=MAX_BODY_BYTES)
