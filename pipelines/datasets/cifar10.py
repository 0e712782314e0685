"""CIFAR-10: photographs of 32x32 pixels in ten classes, from the files of the binary version.

Source: https://www.cs.toronto.edu/~kriz/cifar.html. `source` is the folder with data_batch_1.bin
to data_batch_5.bin and test_batch.bin, the archive cifar-10-binary.tar.gz, or the URL of either.

No package brings the photographs along, so there is `synthetic:N`: N drawn images, see
`cifar_drawn`. They prove that the path works from the file to the served model. They say nothing
about how well a model tells a cat from a dog.
"""

from __future__ import annotations

import hashlib
import io
import posixpath
import re
import tarfile
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from pipelines.datasets import cifar_binary, images
from pipelines.datasets.base import Ingested
from pipelines.datasets.binaries import Folder, beside, folder
from pipelines.datasets.cifar_drawn import drawn
from pipelines.errors import SourceError
from pipelines.settings import IngestSettings

CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
SCHEMA = images.schema((cifar_binary.SIDE, cifar_binary.SIDE, cifar_binary.CHANNELS), CLASSES)
FILES = (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin")
_ARCHIVES = (".tar.gz", ".tgz", ".tar")
_SYNTHETIC = re.compile(r"synthetic:([0-9]{1,6})", re.ASCII)
_NEXT_STEP = "fetch the binary version again (cifar-10-binary.tar.gz), or name its folder"


class Cifar10:
    """The photographs, or drawings in their place."""

    def fingerprint(self, settings: IngestSettings) -> dict[str, Any]:
        """Digest of each local file, what the server says of it, or digest of the drawings."""
        source = settings.source
        if source.startswith("synthetic"):
            content = hashlib.sha256(_drawn(source))
            return {"source": source, "sha256": content.hexdigest()}
        if source.endswith(_ARCHIVES):
            place, name = beside(source)
            return {"files": [place.state(name)]}
        place = folder(source)
        return {"files": [place.state(name) for name in _batches(place)]}

    def read(self, settings: IngestSettings) -> Ingested:
        """All images; see `images.ingested`."""
        images.refuse_window(settings)
        parts = [
            cifar_binary.decode(content, len(CLASSES), where)
            for where, content in _files(settings.source)
        ]
        return images.ingested(
            np.concatenate([pixels for pixels, _ in parts]),
            np.concatenate([labels for _, labels in parts]),
            SCHEMA,
        )


def _files(source: str) -> Iterator[tuple[str, bytes]]:
    """Name and content of every file of records."""
    if source.startswith("synthetic"):
        yield source, _drawn(source)
    elif source.endswith(_ARCHIVES):
        place, name = beside(source)
        yield from _members(place.content(name), place.where(name))
    else:
        place = folder(source)
        for name in _batches(place):
            yield place.where(name), place.content(name)


def _batches(place: Folder) -> list[str]:
    """The files of records that there are, at least one."""
    found = [name for name in FILES if place.has(name)]
    if not found:
        raise _nothing_in(place.where("").rstrip("/"))
    return found


def _nothing_in(where: str) -> SourceError:
    return SourceError(f"there is none of {', '.join(FILES)}", where=where, next_step=_NEXT_STEP)


def _members(content: bytes, where: str) -> Iterator[tuple[str, bytes]]:
    """The files of records in an archive. Nothing is unpacked to the disk."""
    is_empty = True
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            for member in archive:
                name = posixpath.basename(member.name)
                file = archive.extractfile(member) if name in FILES else None
                if file is not None:
                    is_empty = False
                    yield f"{where}: {member.name}", file.read()
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise SourceError(
            f"the archive is damaged: {error}", where=where, next_step=_NEXT_STEP
        ) from error
    if is_empty:
        raise _nothing_in(where)


def _drawn(source: str) -> bytes:
    """The drawings in the binary format, so that they are read as the photographs are."""
    match = _SYNTHETIC.fullmatch(source)
    if match is None or int(match[1]) < len(CLASSES):
        raise SourceError(
            f"{source!r} does not say how many images to draw",
            where="params.yaml: ingest.source",
            next_step="write synthetic:5000, with at least one image a class",
        )
    pixels, labels = drawn(int(match[1]))
    return cifar_binary.encode(pixels, labels)
