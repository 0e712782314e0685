"""Drawings in the place of CIFAR-10's photographs: ten shapes and textures, one a class.

Position, size, colours and noise are drawn anew for each image, so that no pixel alone gives a
class away and a network has to find the shape. The names of the classes stay those of CIFAR-10,
which the drawings do not resemble.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from pipelines.datasets.cifar_binary import CHANNELS, SIDE

# Changing anything here changes the data behind a recorded fingerprint, which then says so.
_SEED = 20_091_231
_NOISE = 12.0
_CONTRAST = 60

_Grid = npt.NDArray[np.float64]
_Mask = npt.NDArray[np.bool_]


def drawn(count: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """So many images, the classes in turn; the first n are the same whatever the count.

    Returns:
        uint8, shape (count, 32, 32, 3); int64 class numbers, shape (count,).
    """
    labels = np.arange(count, dtype=np.int64) % len(SHAPES)
    pixels = np.empty((count, SIDE, SIDE, CHANNELS), dtype=np.uint8)
    for row, label in enumerate(labels):
        pixels[row] = _image(SHAPES[label], np.random.default_rng([_SEED, row]))
    return pixels, labels


def _image(
    shape: Callable[[_Grid, _Grid, float], _Mask], draw: np.random.Generator
) -> npt.NDArray[np.uint8]:
    size = draw.uniform(5, 11)
    center = draw.uniform(SIDE / 2 - 5, SIDE / 2 + 5, 2)
    down, right = np.mgrid[:SIDE, :SIDE].astype(np.float64)
    mask = shape(down - center[0], right - center[1], size)
    paper, ink = _colours(draw)
    image = np.where(mask[:, :, None], ink, paper) + draw.normal(0, _NOISE, (SIDE, SIDE, CHANNELS))
    return np.clip(image, 0, 255).astype(np.uint8)


def _colours(draw: np.random.Generator) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Two that can be told apart, the lighter one as often below as above."""
    while True:
        paper, ink = draw.uniform(0, 255, (2, CHANNELS))
        if abs(paper.mean() - ink.mean()) > _CONTRAST:
            return paper, ink


def _disc(down: _Grid, right: _Grid, size: float) -> _Mask:
    return np.hypot(down, right) < size


def _ring(down: _Grid, right: _Grid, size: float) -> _Mask:
    return np.abs(np.hypot(down, right) - size) < size / 4


def _square(down: _Grid, right: _Grid, size: float) -> _Mask:
    return np.maximum(np.abs(down), np.abs(right)) < size


def _frame(down: _Grid, right: _Grid, size: float) -> _Mask:
    return np.abs(np.maximum(np.abs(down), np.abs(right)) - size) < size / 4


def _plus(down: _Grid, right: _Grid, size: float) -> _Mask:
    arms = np.minimum(np.abs(down), np.abs(right)) < size / 4
    return arms & (np.maximum(np.abs(down), np.abs(right)) < size)


def _triangle(down: _Grid, right: _Grid, size: float) -> _Mask:
    return (np.abs(right) < (down + size) / 2) & (down < size)


def _rows(down: _Grid, right: _Grid, size: float) -> _Mask:
    return np.sin(down * 12 / size) + 0 * right > 0


def _lines(down: _Grid, right: _Grid, size: float) -> _Mask:
    return _rows(right, down, size)


def _diagonals(down: _Grid, right: _Grid, size: float) -> _Mask:
    return np.sin((down + right) * 8.5 / size) > 0


def _checks(down: _Grid, right: _Grid, size: float) -> _Mask:
    return np.sin(down * 12 / size) * np.sin(right * 12 / size) > 0


SHAPES = (
    _disc,
    _ring,
    _square,
    _frame,
    _plus,
    _triangle,
    _rows,
    _lines,
    _diagonals,
    _checks,
)
