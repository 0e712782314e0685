"""The JSON of /predict: a body in, rows out; predictions or a problem out.

Pure: bytes and values in, bytes and values out. A problem is an RFC 9457 `problem+json` with the
members `row`, `column` and `next_step` added.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NoReturn

from pipelines.errors import CellError, RequestError
from pipelines.inference.session import Prediction
from pipelines.schema import Schema

MAX_BODY_BYTES = 4 * 1024 * 1024
MAX_ROWS = 4096
JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
UNACCEPTABLE = HTTPStatus.UNPROCESSABLE_ENTITY.value
SHAPE = 'send {"rows": [{"COLUMN": VALUE, ...}, ...]}'
SEND_LESS = "send fewer rows at a time, or score a file with `evergreen predict`"


def write_problem(error: RequestError | CellError) -> tuple[int, bytes]:
    """The HTTP status and the problem+json of an error."""
    status = error.status if isinstance(error, RequestError) else UNACCEPTABLE
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": f"{error.where}: {error.problem}",
        "row": error.row if isinstance(error, CellError) else None,
        "column": error.column if isinstance(error, CellError) else None,
        "next_step": error.next_step,
    }
    return status, _dump(content)


def read_rows(body: bytes) -> list[dict[str, Any]]:
    """The rows of a request, their values not looked at yet.

    Raises:
        RequestError: 400 if the body is not JSON, 413 for too many rows, 422 if it is not
            `{"rows": [...]}`.
        CellError: a row is not an object.
    """
    content = _parse(body)
    if not isinstance(content, dict) or content.keys() != {"rows"}:
        raise _misshapen("body", "must be an object with the one member 'rows'")
    rows = content["rows"]
    if not isinstance(rows, list):
        raise _misshapen("rows", "must be an array")
    if len(rows) > MAX_ROWS:
        raise RequestError(
            f"{len(rows)} rows; at most {MAX_ROWS} are taken at once",
            where="rows",
            next_step=SEND_LESS,
            status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        )
    for index, row in enumerate(rows):
        if not isinstance(row, dict):
            raise CellError("not an object", row=index, column=None, next_step=SHAPE)
    return rows


def write_answer(schema: Schema, model: str, version: str, prediction: Prediction) -> bytes:
    """The answer to a request, one entry for each row.

    `probabilities` (of class 1, or a list with one a class) and `labels` (0 or 1, or the name of
    the class), or `values` for a regression.
    """
    answer: dict[str, Any] = {"model": model, "version": version}
    if schema.task == "regression":
        return _dump({**answer, "values": prediction.scores.tolist()})
    labels = prediction.labels.tolist()
    if schema.task == "multiclass":
        labels = [schema.classes[label] for label in labels]
        answer["classes"] = list(schema.classes)
    return _dump({**answer, "probabilities": prediction.scores.tolist(), "labels": labels})


def _parse(body: bytes) -> object:
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    # ValueError: not JSON, not UTF-8, or an integer of thousands of digits.
    except (ValueError, RecursionError) as error:
        detail = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise RequestError(
            f"not JSON: {detail}",
            where="body",
            next_step=f"{SHAPE} in UTF-8",
            status=HTTPStatus.BAD_REQUEST,
        ) from None


def _refuse_constant(name: str) -> NoReturn:
    # Python reads NaN and Infinity, which no JSON has, and which would pass as numbers.
    raise ValueError(f"{name} is not a JSON value; null says that a value is missing")


def _misshapen(where: str, problem: str) -> RequestError:
    return RequestError(problem, where=where, next_step=SHAPE, status=UNACCEPTABLE)


def _dump(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()
