"""From the inputs of a request to the tensors of a model; JSON, binary and gRPC alike."""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from itertools import chain
from typing import Any

import msgspec
from numpy.typing import NDArray

from pipelines.errors import CellError
from pipelines.inference.encode import Tensors, encode_columns, encode_matrix, unknown_column
from pipelines.schema import Schema
from pipelines.serving.inference_protocol.datatypes import (
    BYTES,
    NUMPY,
    unpack_numbers,
    unpack_strings,
)
from pipelines.serving.rows_json import refuse_many

IMAGE = "image"
_STRINGS = frozenset({BYTES})
_MOST_DIMENSIONS = 8


class Given(msgspec.Struct):
    """One input of a request.

    Attributes:
        content: of a request in JSON a list, nested as the shape says or flat; else bytes; None
            for one that has none.
        parameters: what else a request in JSON says of it.
    """

    name: str
    datatype: str
    shape: list[int]
    # The name that it has in JSON, which is decoded right into this class.
    content: list[Any] | bytes | None = msgspec.field(name="data", default=None)
    parameters: dict[str, Any] | None = None


def tensors_of(schema: Schema, inputs: Sequence[Given], max_rows: int) -> Tensors:
    """The tensors that the inputs of a request hold.

    Raises:
        CellError: an input is missing, unknown or there twice, or its type, shape or a value of
            it cannot be used.
        RequestError: 413 for too many rows.
    """
    by_name = {given.name: given for given in inputs}
    if len(by_name) != len(inputs):
        twice = next(given.name for given in inputs if by_name[given.name] is not given)
        raise _wrong(twice, "the input is there twice", "send each input once")
    if schema.image is not None:
        return _image(schema, by_name, max_rows)
    if len(by_name) != len(schema.features) or not all(map(by_name.__contains__, schema.features)):
        raise _wrong_names(schema, by_name)
    rows = _rows(by_name[schema.features[0]])
    refuse_many(rows, max_rows)
    columns = _columns(schema.numbers, by_name, rows, NUMPY)
    columns |= _columns(schema.categories, by_name, rows, _STRINGS)
    return encode_columns(schema, columns)


def _columns(
    names: Sequence[str], by_name: dict[str, Given], rows: int, datatypes: Container[str]
) -> dict[str, list[Any] | NDArray[Any]]:
    shapes = ([rows], [rows, 1])
    columns: dict[str, list[Any] | NDArray[Any]] = {}
    for name in names:
        given = by_name[name]
        if given.shape not in shapes:
            raise _wrong(
                name,
                f"its shape is {_shown(given.shape)}",
                f"give every input one value a row: [{rows}, 1]",
            )
        if given.datatype not in datatypes:
            raise _wrong_type(given, datatypes)
        content = given.content
        # What nearly every request in JSON has: found without taking it apart.
        if type(content) is list and len(content) == rows and type(content[0]) is not list:
            columns[name] = content
        else:
            columns[name] = _values(given, rows)
    return columns


def _image(schema: Schema, by_name: dict[str, Given], max_rows: int) -> Tensors:
    assert schema.image is not None
    if by_name.keys() != {IMAGE}:
        raise _wrong_names(schema, by_name)
    given = by_name[IMAGE]
    rows = _rows(given)
    refuse_many(rows, max_rows)
    rest = tuple(given.shape[1:])
    pixels = len(schema.numbers)
    # A picture of one channel often comes without it, and a flat one is a row of pixels.
    height, width, channels = schema.image
    allowed = {schema.image, (pixels,)} | ({(height, width)} if channels == 1 else set())
    if rest not in allowed:
        wanted = ", ".join(str(size) for size in schema.image)
        raise _wrong(IMAGE, f"its shape is {_shown(given.shape)}", f"send [{rows}, {wanted}]")
    if given.datatype not in NUMPY:
        raise _wrong_type(given, NUMPY)
    values = _values(given, rows * pixels)
    return encode_matrix(schema, values, rows)


def _values(given: Given, count: int) -> list[Any] | NDArray[Any]:
    content = given.content
    if content is None:
        raise _wrong(given.name, "the input has no data", "send `data`, or its bytes")
    if isinstance(content, bytes):
        if given.datatype == BYTES:
            return unpack_strings(content, count, given.name)
        return unpack_numbers(content, given.datatype, count, given.name)
    flat = _flat(content, given)
    if len(flat) != count:
        raise _wrong(
            given.name,
            f"{len(flat)} values do not fill the shape {_shown(given.shape)}",
            "make shape and data agree",
        )
    return flat


def _flat(content: list[Any], given: Given) -> list[Any]:
    """The values of a list that is flat, or nested as deep as the shape says."""
    for _ in range(len(given.shape) - 1):
        if not content or type(content[0]) is not list or set(map(type, content)) != {list}:
            return content  # what is no value is found when it is encoded
        content = list(chain.from_iterable(content))
    return content


def _rows(given: Given) -> int:
    shape = given.shape
    if not 1 <= len(shape) <= _MOST_DIMENSIONS or min(shape) < 1 or math.prod(shape) > 2**40:
        raise _wrong(given.name, f"its shape is {_shown(shape)}", "give it at least one row")
    return shape[0]


def _wrong_type(given: Given, datatypes: Container[str]) -> CellError:
    is_number = datatypes is NUMPY
    wanted = f"FP64 (or {', '.join(sorted(NUMPY.keys() - {'FP64'}))})" if is_number else BYTES
    return _wrong(given.name, f"its datatype is {given.datatype[:20]!r}", f"send {wanted}")


def _wrong_names(schema: Schema, by_name: dict[str, Given]) -> CellError:
    wanted = schema.features if schema.image is None else (IMAGE,)
    for name in wanted:
        if name not in by_name:
            return _wrong(name, "the input is missing", f"send all of: {', '.join(wanted)}")
    return unknown_column(next(name for name in by_name if name not in wanted), wanted)


def _wrong(name: str, problem: str, next_step: str) -> CellError:
    return CellError(problem, row=None, column=name[:80], next_step=next_step)


def _shown(shape: Sequence[int]) -> str:
    sizes = ", ".join(str(size) for size in shape[:_MOST_DIMENSIONS])
    return f"[{sizes}{', ...' if len(shape) > _MOST_DIMENSIONS else ''}]"
