"""Find local files, and say what they look like."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.datasets.sources.files import check_name
from pipelines.datasets.sources.location import LocalFiles
from pipelines.errors import SourceError
from pipelines.paths import in_project


@dataclass(frozen=True)
class Opened:
    """A file that is on this disk now.

    Attributes:
        path: where it is.
        name: what it is called in a fingerprint, the same on every machine.
        where: what it is called in messages.
    """

    path: Path
    name: str
    where: str


def opened(location: LocalFiles) -> Generator[Opened]:
    """The files of a path or pattern, in the order of their names.

    Raises:
        SourceError: there is none, or one is of a type that is not supported.
    """
    pattern = in_project(location.pattern)
    base = _base(pattern)
    for path in _find(pattern):
        check_name(path.name, where=str(path))
        yield Opened(path, path.relative_to(base).as_posix(), str(path))


def fingerprint(location: LocalFiles) -> list[dict[str, Any]]:
    """Name, size and SHA-256 of each file: any changed byte, new or lost file is seen.

    Raises:
        SourceError: as `opened` does.
    """
    return [
        {"name": file.name, "bytes": file.path.stat().st_size, "sha256": _sha256(file.path)}
        for file in opened(location)
    ]


def _find(pattern: Path) -> list[Path]:
    if pattern.is_file():
        return [pattern]
    if pattern.is_dir():
        raise SourceError(
            "this is a folder",
            where=str(pattern),
            next_step=f"name its files, for example {pattern.as_posix()}/*.parquet",
        )
    if not glob.has_magic(str(pattern)):
        raise SourceError(
            "there is no such file",
            where=str(pattern),
            next_step="check ingest.source; a relative path begins at the project root",
        )
    found = sorted(Path(item) for item in glob.glob(str(pattern), recursive=True))  # noqa: PTH207
    files = [path for path in found if path.is_file()]
    if not files:
        raise SourceError(
            "no file matches the pattern",
            where=str(pattern),
            next_step="check ingest.source; a relative pattern begins at the project root",
        )
    return files


def _base(pattern: Path) -> Path:
    """The last folder before the first part that is a pattern."""
    if pattern.is_file():
        return pattern.parent
    fixed = []
    for part in pattern.parts[:-1]:
        if glob.has_magic(part):
            break
        fixed.append(part)
    return Path(*fixed)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
