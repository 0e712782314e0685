"""Carrying out a plan: one item at a time, each asked about once more just before it goes."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from pipelines.cleaning.items import Item, Kind, Ruling
from pipelines.versioning.git import Repository


def remove(
    repository: Repository,
    trash: Path,
    rulings: Iterable[Ruling],
    again: Callable[[Item], Ruling],
) -> Iterator[Ruling]:
    """Remove what is to go; gives each ruling as it was carried out.

    A kill at any point leaves things that are there or that are gone, none that are half there;
    what was renamed and not yet deleted is deleted by the next call.

    Args:
        repository: the project.
        trash: a folder of this model's own, where things go before they are deleted. On the same
            file system, so that one rename takes a thing out of everybody's way.
        rulings: the plan.
        again: rules on an item by what is true now.

    Raises:
        WorkspaceError: git fails.
        OSError: a file cannot be removed.
    """
    if trash.is_dir():
        shutil.rmtree(trash)
    for ruling in rulings:
        now = again(ruling.item) if ruling.is_removed else ruling
        if now.is_removed:
            _remove(repository, trash, now.item)
        yield now


def _remove(repository: Repository, trash: Path, item: Item) -> None:
    if item.kind is Kind.BRANCH:
        repository.git("branch", "--quiet", "-D", str(item.place))
    elif item.kind is Kind.WORKTREE:
        repository.remove_worktree(item.place)
    else:
        _through(trash, item.place)


def _through(trash: Path, place: Path) -> None:
    aside = trash / secrets.token_hex(8)
    trash.mkdir(parents=True, exist_ok=True)
    try:
        place.rename(aside)
    except FileNotFoundError:
        return  # a server removes its own old segments, too
    if aside.is_dir() and not aside.is_symlink():
        shutil.rmtree(aside)
    else:
        aside.unlink()
