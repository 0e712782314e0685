"""The binary format of CIFAR-10: records of one label byte and 32x32 pixels, plane after plane.

Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009, and the page of
the data set. Its other format is a pickle, which runs code when it is read, and is not read here.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipelines.errors import DataError, SourceError

SIDE = 32
CHANNELS = 3
_PIXELS = SIDE * SIDE * CHANNELS
RECORD_BYTES = 1 + _PIXELS


def decode(
    content: bytes, classes: int, where: str
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Images and labels of a file.

    Args:
        content: of the whole file.
        classes: how many there are.
        where: the file, for messages.

    Returns:
        uint8, shape (rows, 32, 32, 3), red, green and blue of a pixel side by side; int64,
        shape (rows,).

    Raises:
        SourceError: the file is empty, or ends within a record.
        DataError: a label is none of the classes.
    """
    if not content or len(content) % RECORD_BYTES:
        raise SourceError(
            f"{len(content):,} bytes are not whole records of {RECORD_BYTES:,}",
            where=where,
            next_step="name a file of the binary version (data_batch_1.bin), or fetch it again",
        )
    records = np.frombuffer(content, dtype=np.uint8).reshape(-1, RECORD_BYTES)
    labels = records[:, 0].astype(np.int64)
    if labels.max() >= classes:
        row = int((labels >= classes).argmax())
        raise DataError(
            f"record {row} (counted from 0) has the label {labels[row]}; there are only the "
            f"classes 0 to {classes - 1}",
            where=where,
            next_step="name a file of CIFAR-10's binary version; CIFAR-100 has two label bytes",
        )
    planes = records[:, 1:].reshape(-1, CHANNELS, SIDE, SIDE)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), labels


def encode(images: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64]) -> bytes:
    """The file of these images and labels, shaped as `decode` returns them."""
    planes = images.transpose(0, 3, 1, 2).reshape(len(images), _PIXELS)
    return np.concatenate([labels.astype(np.uint8)[:, None], planes], axis=1).tobytes()
