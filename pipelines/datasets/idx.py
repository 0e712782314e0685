"""The IDX format of MNIST and its successors: a header of big-endian numbers, then raw bytes.

Two zero bytes, one byte for the type (8: unsigned bytes), one for the number of dimensions, four
bytes for the size of each, then the values, the last dimension running fastest. Source: LeCun,
Cortes and Burges, "The MNIST database of handwritten digits".
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from pipelines.datasets.binaries import decompressed
from pipelines.errors import SourceError

_UNSIGNED_BYTES = 8


def decode(content: bytes, dimensions: int, where: str) -> npt.NDArray[np.uint8]:
    """The array in an IDX file, gzipped or not.

    Args:
        content: of the whole file.
        dimensions: how many there must be: 3 for images, 1 for labels.
        where: the file, for messages.

    Raises:
        SourceError: it is no IDX file of bytes with so many dimensions, it is cut off, or more
            follows than it announces.
    """
    content = decompressed(content, where)
    wanted = bytes([0, 0, _UNSIGNED_BYTES, dimensions])
    if content[:4] != wanted:
        raise SourceError(
            f"the magic number is {content[:4].hex() or 'missing'}, not {wanted.hex()}",
            where=where,
            next_step=f"name an IDX file of unsigned bytes with {dimensions} dimension(s), or "
            "fetch it again",
        )
    header = 4 + 4 * dimensions
    if len(content) < header:
        raise _wrong_size(len(content), header, where)
    shape = tuple(np.frombuffer(content, dtype=">u4", count=dimensions, offset=4).tolist())
    if len(content) != header + math.prod(shape):
        raise _wrong_size(len(content), header + math.prod(shape), where)
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)


def encode(values: npt.NDArray[np.uint8]) -> bytes:
    """The IDX file of an array of bytes."""
    sizes = np.array(values.shape, dtype=">u4").tobytes()
    return bytes([0, 0, _UNSIGNED_BYTES, values.ndim]) + sizes + values.tobytes()


def _wrong_size(seen: int, wanted: int, where: str) -> SourceError:
    return SourceError(
        f"the file has {seen:,} bytes, and its header announces {wanted:,}",
        where=where,
        next_step="fetch it again; a transfer may have broken off",
    )
