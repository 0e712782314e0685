"""The JSON of /predict: rows by the names of their columns in, one answer a row out.

Pure: bytes and values in, bytes and values out.
"""

from __future__ import annotations

import json
from collections.abc import Container
from http import HTTPStatus
from typing import Any, NoReturn, TypeVar

import msgspec

from pipelines.errors import CellError, RequestError
from pipelines.inference.encode import Tensors, encode_rows
from pipelines.schema import Schema
from pipelines.serving.admission import MOST_CHARACTERS
from pipelines.serving.problems import SEND_LESS, refused
from pipelines.serving.served import LABEL, PROBABILITIES, PROBABILITY, VALUE, Outputs, Servable

T = TypeVar("T")
SHAPE = 'send {"rows": [{"COLUMN": VALUE, ...}, ...]}'
# What is one value a row has the name of one value in the protocol, and of many here.
_PLURAL = {PROBABILITY: "probabilities", LABEL: "labels", VALUE: "values"}


class RowsForm:
    """A request to /predict.

    Args:
        model: who is asked.
        request_id: goes into the answer.
        body: as it came.
    """

    def __init__(self, model: Servable, request_id: str, body: bytes) -> None:
        self._model = model
        self._request_id = request_id
        self._body = body

    def read(self) -> Tensors:
        """The rows; RequestError or CellError if they cannot be read."""
        return encode_rows(self._model.schema, read_rows(self._body, self._model.policy.max_rows))

    def write(self, outputs: Outputs) -> bytes:
        """As `write_answer`."""
        return write_answer(self._model, self._request_id, outputs)


def read_rows(body: bytes, max_rows: int) -> list[dict[str, Any]]:
    """The rows of a request, their values not looked at yet.

    Raises:
        RequestError: 400 if the body is not JSON, 413 for too many rows, 422 if it is not
            `{"rows": [...]}`.
        CellError: a row is not an object.
    """
    content = parse(body)
    if not isinstance(content, dict) or content.keys() != {"rows"}:
        raise refused("must be an object with the one member 'rows'", "body", SHAPE)
    rows = content["rows"]
    if not isinstance(rows, list):
        raise refused("must be an array", "rows", SHAPE)
    refuse_many(len(rows), max_rows)
    for index, row in enumerate(rows):
        if not isinstance(row, dict):
            raise CellError("not an object", row=index, column=None, next_step=SHAPE)
    return rows


def parse(body: bytes) -> object:
    """The JSON of a body, whatever it holds.

    Raises:
        RequestError: 400 if it is not JSON (NaN and Infinity are not), not UTF-8, or nested too
            deeply.
    """
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # Python's own parser takes 1e999 and half a surrogate pair, too. Let it: whoever looks at
        # the values can then say in which row and column they stand.
        return _parse_slowly(body)


def parse_as(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """The JSON of a body that has to be of one shape.

    Raises:
        RequestError: 400 as `parse`; 422 if it is JSON of another shape.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise refused(str(error), "body", "mend the member named") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _not_json(error) from None


def _parse_slowly(body: bytes) -> object:
    try:
        # Left to itself, it would take UTF-16 and UTF-32 as well.
        return json.loads(body.decode(), parse_constant=_refuse_constant)
    # ValueError: not JSON, not UTF-8, or an integer of thousands of digits.
    except (ValueError, RecursionError) as error:
        raise _not_json(error) from None


def _refuse_constant(name: str) -> NoReturn:
    # Python reads NaN and Infinity, which no JSON has, and which would pass as numbers.
    raise ValueError(f"{name} is not a JSON value; null says that a value is missing")


def _not_json(error: Exception) -> RequestError:
    problem = "nested too deeply" if isinstance(error, RecursionError) else str(error)
    return refused(
        f"not JSON: {problem}",
        "body",
        "send JSON in UTF-8",
        HTTPStatus.BAD_REQUEST,
    )


def refuse_many(rows: int, max_rows: int) -> None:
    """Raises RequestError (413) for more rows than are taken at once."""
    if rows > max_rows:
        raise RequestError(
            f"{rows} rows; at most {max_rows} are taken at once",
            where="rows",
            next_step=SEND_LESS,
            status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        )


def write_answer(model: Servable, request_id: str, outputs: Outputs) -> bytes:
    """The answer to a request.

    `probabilities` (of class 1, or a list with one a class) and `labels` (0 or 1, or the name of
    the class), or `values` for a regression, one entry a row; null where a chain did not ask.
    """
    answer: dict[str, Any] = {
        "model": model.name,
        "version": model.version,
        "request_id": request_id,
    }
    if PROBABILITIES in outputs:
        answer["classes"] = list(model.schema.classes)
    for name, values in outputs.items():
        answer[_PLURAL.get(name, name)] = values.tolist()
    return msgspec.json.encode(answer)


def schema_of_rows(schema: Schema, required: Container[str] = ()) -> dict[str, Any]:
    """JSON Schema of one row of `schema`, for the OpenAPI document.

    Args:
        schema: the columns.
        required: those whose value may not be missing.
    """

    def one(name: str, *types: str) -> dict[str, Any]:
        return {"type": [*types] if name in required else [*types, "null"]}

    # What `encode` takes: true and false count as 1 and 0.
    columns = {name: one(name, "number", "boolean") for name in schema.numbers}
    for name in schema.categories:
        columns[name] = {**one(name, "string"), "maxLength": MOST_CHARACTERS}
    return {
        "type": "object",
        "properties": columns,
        "required": list(schema.features),
        "additionalProperties": False,
    }
