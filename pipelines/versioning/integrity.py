"""Whether the outputs of a stage are what dvc.lock says, byte for byte.

DVC trusts an object of its cache that is read-only: it looks at the permission, not at the
content. Outputs are hard links to those objects, so a damaged object would be trained on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.errors import WorkspaceError

_BLOCK = 1 << 20


def require_intact(repo: Any, stage: str) -> None:
    """Hold every cached output file of a stage to its MD5 in dvc.lock.

    Args:
        repo: an open `dvc.repo.Repo` in which the stage is up to date.
        stage: its address, such as "train@flights".

    Raises:
        WorkspaceError: a file differs or is missing; names the object of the cache behind it.
    """
    damaged = [(path, found) for path, found, wanted in _files(repo, stage) if _md5(path) != wanted]
    if damaged:
        path, cached = damaged[0]
        more = f", and {len(damaged) - 1} more" if len(damaged) > 1 else ""
        raise WorkspaceError(
            f"an object of the DVC cache is damaged: {path.name} is not what dvc.lock says{more}",
            where=str(cached),
            next_step="remove that file and run the same command again: what it held is made "
            "again; or `dvc fetch` it from a remote that has it",
        )


def _files(repo: Any, stage: str) -> Iterator[tuple[Path, Path, str]]:
    """Each output file, the object of the cache that it should equal, and the MD5 of both."""
    from dvc_data.hashfile.tree import Tree

    [found] = repo.stage.collect(stage)
    for out in found.outs:
        if not out.use_cache:
            continue
        cached = Path(out.cache.oid_to_path(out.hash_info.value))
        content = out.get_obj()
        if isinstance(content, Tree):
            for key, _, info in content:
                cached = Path(out.cache.oid_to_path(info.value))
                yield Path(out.fs_path).joinpath(*key), cached, info.value
        else:
            yield Path(out.fs_path), cached, out.hash_info.value


def _md5(path: Path) -> str | None:
    if not path.is_file():
        return None
    found = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest()
