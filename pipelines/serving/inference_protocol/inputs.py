"""From the inputs of a request to the tensors of a model; JSON, binary and gRPC alike."""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from itertools import chain
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipelines.errors import CellError
from pipelines.inference.coded import Column, Columns
from pipelines.inference.encode import Tensors, encode_known, encode_matrix, unknown_column
from pipelines.schema import Schema
from pipelines.serving.inference_protocol.datatypes import (
    BYTES,
    FLOATS,
    LIMITS,
    NUMPY,
    Limits,
    unpack_numbers,
    unpack_strings,
)
from pipelines.serving.rows_json import refuse_many

IMAGE = "image"
_STRINGS = frozenset({BYTES})
_NUMBERS = frozenset({bool, int, float})
_MOST_DIMENSIONS = 8
# From so many values on numpy looks at them in less time than it takes to make an array of them.
_MANY = 64


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
    if schema.image is not None:
        return _image(schema, inputs, max_rows)
    # What was told the names asks in their order; who does not has its inputs put into it.
    features = schema.features
    if tuple([given.name for given in inputs]) != features:
        inputs = _in_order(features, inputs)
    rows = _rows(inputs[0])
    refuse_many(rows, max_rows)
    count = len(schema.numbers)
    return encode_known(
        schema,
        _columns(inputs[:count], rows, NUMPY),
        _columns(inputs[count:], rows, _STRINGS),
    )


def _in_order(names: Sequence[str], inputs: Sequence[Given]) -> list[Given]:
    by_name = {given.name: given for given in inputs}
    if len(by_name) != len(inputs):
        twice = next(given.name for given in inputs if by_name[given.name] is not given)
        raise _wrong(twice, "the input is there twice", "send each input once")
    for name in names:
        if name not in by_name:
            raise _wrong(name, "the input is missing", f"send all of: {', '.join(names)}")
    if len(by_name) != len(names):
        raise unknown_column(next(name for name in by_name if name not in names), names)
    return [by_name[name] for name in names]


def _columns(inputs: Sequence[Given], rows: int, datatypes: Container[str]) -> Columns:
    shapes = ([rows, 1], [rows])
    if inputs and datatypes is NUMPY and (joined := _joined(inputs, rows, shapes)) is not None:
        return joined
    columns: list[Column] = []
    for given in inputs:
        shape, content = given.shape, given.content
        if shape not in shapes:
            raise _wrong(
                given.name,
                f"its shape is {_shown(shape)}",
                f"give every input one value a row: [{rows}, 1]",
            )
        if given.datatype not in datatypes:
            raise _wrong_type(given, datatypes)
        # What nearly every request in JSON has: found without taking it apart.
        if type(content) is list and len(content) == rows and type(content[0]) is not list:
            columns.append(_fitting(content, given))
        else:
            columns.append(_values(given, rows))
    return columns


def _joined(
    inputs: Sequence[Given], rows: int, shapes: Container[list[int]]
) -> NDArray[np.float64] | None:
    """What nearly every other request has: doubles, that are taken apart all at once."""
    wanted = NUMPY[FLOATS]
    size = rows * wanted.itemsize
    contents: list[bytes] = []
    for given in inputs:
        content = given.content
        if type(content) is not bytes or len(content) != size:
            return None
        if given.datatype != FLOATS or given.shape not in shapes:
            return None
        contents.append(content)
    return np.frombuffer(b"".join(contents), wanted).reshape(-1, rows)


def _image(schema: Schema, inputs: Sequence[Given], max_rows: int) -> Tensors:
    assert schema.image is not None
    [given] = _in_order((IMAGE,), inputs)
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
    return _fitting(flat, given)


def _fitting(values: list[Any], given: Given) -> list[Any] | NDArray[Any]:
    """The values of a list, none of them a number that the datatype does not have.

    What is no number is found when it is encoded.
    """
    limits = LIMITS.get(given.datatype)
    if limits is None:
        return values
    if len(values) > _MANY and (array := _array(values, limits)) is not None:
        return array
    for row, value in enumerate(values):
        if isinstance(value, int | float) and not limits.hold(value):
            raise CellError(
                f"{str(value)[:40]} is no {given.datatype}",
                row=row,
                column=given.name[:80],
                next_step=f"send values of {given.datatype}, or say that they are {FLOATS}",
            )
    return values


def _array(values: list[Any], limits: Limits) -> NDArray[Any] | None:
    """Many values at once, if they are nothing but numbers within the limits."""
    # Of one long string numpy would make as long a one of every number.
    if not _NUMBERS.issuperset(map(type, values)):
        return None
    array = np.array(values)
    is_fit = array.dtype.kind in limits.kinds
    return array if is_fit and limits.low <= array.min() and array.max() <= limits.high else None


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
        raise _wrong(
            given.name,
            f"its shape is {_shown(shape)}",
            "send one row at least, and not more than are taken",
        )
    return shape[0]


def _wrong_type(given: Given, datatypes: Container[str]) -> CellError:
    is_number = datatypes is NUMPY
    wanted = f"{FLOATS} (or {', '.join(sorted(NUMPY.keys() - {FLOATS}))})" if is_number else BYTES
    return _wrong(given.name, f"its datatype is {given.datatype[:20]!r}", f"send {wanted}")


def _wrong(name: str, problem: str, next_step: str) -> CellError:
    return CellError(problem, row=None, column=name[:80], next_step=next_step)


def _shown(shape: Sequence[int]) -> str:
    sizes = ", ".join(str(size) for size in shape[:_MOST_DIMENSIONS])
    return f"[{sizes}{', ...' if len(shape) > _MOST_DIMENSIONS else ''}]"
