"""Binary files by name, in a folder of this disk or below a URL.

`sources` reads tables, tells a format by its name and takes patterns. Collections of images are
files of fixed names in formats of their own, often on servers that do not list them.
"""

from __future__ import annotations

import gzip
import posixpath
import tempfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pipelines.datasets.sources.location import LocalFiles, RemoteFiles, parse, redact
from pipelines.datasets.sources.remote import Store
from pipelines.errors import SourceError
from pipelines.paths import in_project
from pipelines.signature import digest

_GZIP = b"\x1f\x8b"


class Folder(Protocol):
    """A place that holds files."""

    def where(self, name: str) -> str:
        """What a file is called in messages."""
        ...

    def has(self, name: str) -> bool:
        """Whether the file is there."""
        ...

    def state(self, name: str) -> dict[str, Any]:
        """What a fingerprint remembers of the file, JSON-ready."""
        ...

    def content(self, name: str) -> bytes:
        """The whole file.

        Raises:
            SourceError: it cannot be read.
        """
        ...


@dataclass(frozen=True)
class LocalFolder:
    """A folder of this disk."""

    path: Path

    def where(self, name: str) -> str:
        return str(self.path / name)

    def has(self, name: str) -> bool:
        return (self.path / name).is_file()

    def state(self, name: str) -> dict[str, Any]:
        path = self.path / name
        return {"name": name, "bytes": path.stat().st_size, "sha256": digest(path)}

    def content(self, name: str) -> bytes:
        try:
            return (self.path / name).read_bytes()
        except OSError as error:
            raise SourceError(
                f"cannot be read: {error.strerror}",
                where=self.where(name),
                next_step="check that the file is there and may be read",
            ) from error


class RemoteFolder:
    """Files whose URLs begin alike."""

    def __init__(self, location: RemoteFiles) -> None:
        self._base = location.url.rstrip("/")
        self._store = Store(location)

    def where(self, name: str) -> str:
        """The URL of a file, without secrets."""
        return redact(self._url(name))

    def has(self, name: str) -> bool:
        """Whether the server has the file."""
        return self._store.has(self._url(name))

    def state(self, name: str) -> dict[str, Any]:
        """See `sources.remote.fingerprint`."""
        return self._store.state(self._url(name))

    def content(self, name: str) -> bytes:
        """The whole file, fetched."""
        with tempfile.TemporaryDirectory(prefix="evergreen-") as scratch:
            path = Path(scratch) / "fetched"
            self._store.fetch(self._url(name), path)
            return path.read_bytes()

    def _url(self, name: str) -> str:
        return f"{self._base}/{name}"


def folder(source: str) -> Folder:
    """The folder that a source names: a path, relative to the project, or a URL of fsspec.

    Raises:
        SourceError: it is neither, or does not exist.
    """
    location = parse(source)
    if isinstance(location, RemoteFiles):
        return RemoteFolder(location)
    if isinstance(location, LocalFiles):
        path = in_project(location.pattern)
        if path.is_dir():
            return LocalFolder(path)
        raise SourceError(
            "there is no such folder" if not path.exists() else "this is a file, not a folder",
            where=str(path),
            next_step="name the folder that holds the files; a relative path begins at the "
            "project root",
        )
    raise SourceError(
        "a database holds no image files",
        where=redact(source),
        next_step="name a folder or a URL",
    )


def beside(source: str) -> tuple[Folder, str]:
    """A single file, as its folder and its name in there.

    Raises:
        SourceError: there is no such file.
    """
    base, name = posixpath.split(source)
    place = folder(base or ".")
    if not place.has(name):
        raise SourceError(
            "there is no such file", where=place.where(name), next_step="check ingest.source"
        )
    return place, name


def first(place: Folder, names: Iterable[str]) -> str | None:
    """The first of these names that there is a file of."""
    return next((name for name in names if place.has(name)), None)


def decompressed(content: bytes, where: str) -> bytes:
    """The content itself, or what is inside if it is gzipped: told by its first bytes.

    Raises:
        SourceError: it begins as gzip, and is damaged or cut off.
    """
    if not content.startswith(_GZIP):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(
            f"the gzip file is damaged: {error}", where=where, next_step="fetch it again"
        ) from error
