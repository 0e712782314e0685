"""The protocol's names for types, and numpy's."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipelines.errors import CellError

BYTES = "BYTES"
FLOATS = "FP64"
NUMPY: dict[str, np.dtype] = {
    "BOOL": np.dtype(np.bool_),
    "UINT8": np.dtype("u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype("i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    FLOATS: np.dtype("<f8"),
}


class Limits(NamedTuple):
    """The numbers that a type has.

    Attributes:
        low, high: the smallest and the largest.
        kinds: of numpy's arrays whose values within them it has, if it has to round some.
    """

    low: float
    high: float
    kinds: str

    def hold(self, value: float) -> bool:
        """Whether it is one of them; what is not finite is for others to judge."""
        if not -math.inf < value < math.inf:
            return True
        is_whole = "f" in self.kinds or value == int(value)
        return is_whole and self.low <= value <= self.high


def _limits(dtype: np.dtype) -> Limits:
    if dtype.kind == "b":
        return Limits(0, 1, "biu")
    if dtype.kind == "f":
        most = float(np.finfo(dtype).max)
        return Limits(-most, most, "biuf")
    whole = np.iinfo(dtype)
    return Limits(int(whole.min), int(whole.max), "biu")


# Of FP64 there is nothing to say: JSON has no other numbers.
LIMITS = {name: _limits(dtype) for name, dtype in NUMPY.items() if name != FLOATS}


def unpack_strings(content: bytes, count: int, name: str) -> list[str]:
    """The strings of a BYTES tensor: four bytes of length before each, lowest byte first.

    Raises:
        CellError: the lengths do not add up, there are not `count` of them, or one is not UTF-8.
    """
    strings: list[str] = []
    place = 0
    while place < len(content) and len(strings) < count:
        end = place + 4 + int.from_bytes(content[place : place + 4], "little")
        if end > len(content):
            break
        try:
            strings.append(content[place + 4 : end].decode())
        except UnicodeDecodeError:
            raise CellError(
                "not UTF-8", row=len(strings), column=name, next_step="send UTF-8"
            ) from None
        place = end
    if place != len(content) or len(strings) != count:
        raise CellError(
            f"{len(content)} bytes do not hold {count} strings",
            row=None,
            column=name,
            next_step="send each string with its length before it, as four bytes",
        )
    return strings


def pack_strings(values: list[str]) -> bytes:
    """What `unpack_strings` reads."""
    encoded = [value.encode() for value in values]
    return b"".join(len(value).to_bytes(4, "little") + value for value in encoded)


def unpack_numbers(content: bytes, datatype: str, count: int, name: str) -> NDArray[np.generic]:
    """The numbers of a tensor of one of the types in `NUMPY`, shape (count,).

    Raises:
        CellError: there are more or fewer, or one is no BOOL.
    """
    dtype = NUMPY[datatype]
    if len(content) != count * dtype.itemsize:
        raise CellError(
            f"{len(content)} bytes are not {count} values of {datatype}",
            row=None,
            column=name,
            next_step="make shape, datatype and content agree",
        )
    if dtype.kind == "b" and max(content, default=0) > 1:
        raise CellError(
            "a byte of BOOL is 0 or 1", row=None, column=name, next_step="send one of the two"
        )
    return np.frombuffer(content, dtype)
