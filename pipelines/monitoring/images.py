"""What can be compared of images: a few measurements of each, in place of hundreds of pixels.

A pixel by itself says nothing, and hundreds of tests of pixels say it loudly. What a camera or a
scanner does to images shows in their brightness, contrast and sharpness; what is on them shows in
the directions in which the reference varies most (principal components).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.statistics.arrays import Floats

COMPONENTS = 10
_MOST_IMAGES = 1000
STATISTICS = ("brightness", "contrast", "darkest", "brightest", "sharpness")


@dataclass(frozen=True, eq=False)
class Projector:
    """Measures images the way the reference taught it.

    Attributes:
        shape: height, width and channels of an image.
        middle: shape (pixels,), the mean image.
        directions: shape (components, pixels), orthonormal.
    """

    shape: tuple[int, int, int]
    middle: Floats
    directions: Floats

    @classmethod
    def fit(cls, pixels: NDArray[np.float64], shape: tuple[int, int, int], seed: int) -> Projector:
        """Learn the directions from images, shape (rows, pixels)."""
        draw = np.random.default_rng(seed)
        chosen = draw.permutation(len(pixels))[:_MOST_IMAGES]
        some = pixels[np.sort(chosen)]
        middle = some.mean(axis=0)
        # A thousand images say as much about ten directions as all do, and take a second.
        directions = np.linalg.svd(some - middle, full_matrices=False)[2][:COMPONENTS]
        return cls(shape, middle, directions)

    def __call__(self, pixels: NDArray[np.floating]) -> dict[str, Floats]:
        """The measurements of images, shape (rows, pixels): shape (rows,) each."""
        known = pixels.astype(np.float64)
        places = (known - self.middle) @ self.directions.T
        images = known.reshape(-1, *self.shape)
        edges = [np.abs(np.diff(images, axis=axis)).mean(axis=(1, 2, 3)) for axis in (1, 2)]
        values = (
            known.mean(axis=1),
            known.std(axis=1),
            known.min(axis=1),
            known.max(axis=1),
            (edges[0] + edges[1]) / 2,
        )
        found = dict(zip(STATISTICS, values, strict=True))
        return found | {f"component {n + 1}": places[:, n] for n in range(places.shape[1])}
