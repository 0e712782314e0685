"""Arrow arrays from numpy and Python values, buffer by buffer.

Not by `pyarrow.array`: that loads pandas wherever it is installed, which is half a second and
40 MB in every worker of a model server, and costs more than all the rest of a batch of one row.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_FIXED = {"i": (np.int64, pa.int64()), "u": (np.int64, pa.int64()), "f": (np.float64, pa.float64())}


def fixed(values: NDArray[Any], kind: pa.DataType) -> pa.Array:
    """Values whose bytes are those of Arrow's type."""
    content = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(kind, len(values), [None, content])


def numbers(values: NDArray[Any]) -> pa.Array:
    """Any integers as int64, any floats as float64; NaN stays NaN."""
    wide, kind = _FIXED[values.dtype.kind]
    return fixed(values.astype(wide, copy=False), kind)


def measured(matrix: NDArray[np.float64]) -> list[pa.Array]:
    """The columns of (rows, columns) floats, of which NaN is a missing one and becomes null."""
    rows, count = matrix.shape
    columns = np.ascontiguousarray(matrix.T)
    missing = np.isnan(columns)
    content, size = pa.py_buffer(columns), rows * columns.itemsize
    valid = [_bitmap(~column) for column in missing] if missing.any() else [None] * count
    return [
        pa.Array.from_buffers(pa.float64(), rows, [valid[at], content.slice(at * size, size)])
        for at in range(count)
    ]


def flags(values: Sequence[bool] | NDArray[np.bool_]) -> pa.Array:
    """True and false."""
    bits = _bitmap(np.asarray(values, dtype=np.bool_))
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, bits])


def texts(values: Sequence[str | None]) -> pa.Array:
    """Strings; None becomes null.

    Raises:
        UnicodeEncodeError: half of a surrogate pair is among them.
        OverflowError: they are more than 2 GB.
    """
    known = [value or "" for value in values]
    joined = "".join(known)
    content = joined.encode()
    if len(content) >= 2**31:
        raise OverflowError(f"{len(content)} bytes of text in one column of a batch")
    parts: Sequence[str | bytes] = known if joined.isascii() else [v.encode() for v in known]
    offsets = np.array([0, *accumulate(map(len, parts))], dtype=np.int32)
    valid = _bitmap(np.array([v is not None for v in values])) if None in values else None
    buffers = [valid, pa.py_buffer(offsets), pa.py_buffer(content)]
    return pa.Array.from_buffers(pa.string(), len(known), buffers)


def lists(values: NDArray[np.float32] | NDArray[np.float64]) -> pa.Array:
    """Rows of one length, each a list."""
    kind = pa.float32() if values.dtype == np.float32 else pa.float64()
    return pa.FixedSizeListArray.from_arrays(fixed(values.ravel(), kind), values.shape[1])


def _bitmap(bits: NDArray[np.bool_] | None) -> pa.Buffer | None:
    return None if bits is None else pa.py_buffer(np.packbits(bits, bitorder="little"))
