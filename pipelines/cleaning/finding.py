"""What there is of a model on this machine that could go."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from pipelines.cleaning.items import Item, Kind
from pipelines.packaging import store as bento_store
from pipelines.paths import HomePaths
from pipelines.predictions import names
from pipelines.versioning.git import Repository

_NUMBERED = re.compile(r"\.?(v\d+)-.+")
_RUN = re.compile(r"\d{8}-\d{9}-[0-9a-f]{4}")


def find(repository: Repository, home: HomePaths, model: str) -> list[Item]:
    """All of it, kind by kind, each in the order of names.

    Raises:
        WorkspaceError: git fails.
    """
    return [
        *_bentos(home, model),
        *_versions(home, model),
        *_worktrees(home, model),
        *_branches(repository, model),
        *_reports(home, model),
        *_of_folder(home.monitor(model) / "alarms", Kind.ALARM, model),
        *_of_folder(home.checkpoints / model, Kind.CHECKPOINT, model),
        *_predictions(home.predictions(model), model),
    ]


def size_of(place: Path) -> int:
    """Bytes on disk; of a file with several names, its share."""
    if place.is_symlink() or place.is_file():
        seen = place.lstat()
        return seen.st_size // seen.st_nlink
    return sum(size_of(each) for each in place.iterdir()) if place.is_dir() else 0


def _bentos(home: HomePaths, model: str) -> Iterator[Item]:
    for folder in _entries(home.bentoml / "bentos" / model):
        number = _NUMBERED.fullmatch(folder.name)
        if folder.is_dir() and number:
            version = f"{model}@{number[1]}"
            is_whole = bento_store.is_whole(folder)
            yield _item(Kind.BENTO, model, folder, version=version, is_whole=is_whole)


def _versions(home: HomePaths, model: str) -> Iterator[Item]:
    for place in _entries(home.versions(model)):
        if number := _NUMBERED.fullmatch(place.name):
            version, is_whole = f"{model}@{number[1]}", not place.name.startswith(".")
            yield _item(Kind.VERSION, model, place, version=version, is_whole=is_whole)


def _worktrees(home: HomePaths, model: str) -> Iterator[Item]:
    for folder in _entries(home.worktrees):
        run = folder.name.removeprefix(f"{model}-")
        # Not by the beginning of the name alone: a model may be called as another one begins.
        if run != folder.name and _RUN.fullmatch(run):
            yield _item(Kind.WORKTREE, model, folder, run=run)


def _branches(repository: Repository, model: str) -> Iterator[Item]:
    shown = "--format=%(refname:short) %(committerdate:unix)"
    listed = repository.git("for-each-ref", shown, f"refs/heads/retrain/{model}/")
    for line in listed.splitlines():
        name, at = line.split()
        last = datetime.fromtimestamp(int(at), UTC)
        yield Item(Kind.BRANCH, model, Path(name), 0, last, run=name.rpartition("/")[2])


def _reports(home: HomePaths, model: str) -> Iterator[Item]:
    for page in _entries(home.reports / model):
        if page.stem.startswith(f"{model}@"):
            yield _item(Kind.REPORT, model, page, version=page.stem)
        elif _RUN.fullmatch(page.stem):
            yield _item(Kind.REPORT, model, page, run=page.stem)


def _of_folder(folder: Path, kind: Kind, model: str) -> Iterator[Item]:
    yield from (_item(kind, model, place) for place in _entries(folder))


def _predictions(folder: Path, model: str) -> Iterator[Item]:
    for place in names.parquets(folder) if folder.is_dir() else ():
        window = names.window(place)
        assert window is not None, place
        yield Item(Kind.PREDICTIONS, model, place, size_of(place), window[1])


def _entries(folder: Path) -> Iterable[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else ()


def _item(
    kind: Kind,
    model: str,
    place: Path,
    version: str | None = None,
    run: str | None = None,
    is_whole: bool = True,
) -> Item:
    last = datetime.fromtimestamp(place.lstat().st_mtime, UTC)
    return Item(kind, model, place, size_of(place), last, version, run, is_whole)
