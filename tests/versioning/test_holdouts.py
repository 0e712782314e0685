"""The holdout of a version, from the DVC cache by its commit."""

from __future__ import annotations

import pytest

from pipelines.errors import DataError
from pipelines.versioning import versions
from pipelines.versioning.git import Repository
from pipelines.versioning.holdouts import holdout
from tests.throwaway import Project


def test_it_is_taken_out_of_the_cache_once(project: Project, repository: Repository) -> None:
    """As a stage leaves it: a file of a folder that DVC holds, and not git."""
    folder = project.root / "data" / "alpha" / "splits"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "holdout.parquet").write_bytes(b"rows")
    # Without the stage that makes it, which does not run here.
    (project.root / "dvc.yaml").write_text("stages: {}\n", encoding="utf-8")
    done = project.dvc("add", "data/alpha/splits")
    assert done.returncode == 0, done.stderr
    commit = project.commit("Hold")
    version = versions.Version("alpha", 1, commit)
    (folder / "holdout.parquet").unlink()
    kept = holdout(repository, project.home, version)
    assert kept.read_bytes() == b"rows"
    written = kept.stat().st_mtime_ns
    assert holdout(repository, project.home, version).stat().st_mtime_ns == written


def test_a_version_without_one_says_so(project: Project, repository: Repository) -> None:
    version = versions.Version("alpha", 1, repository.head())
    with pytest.raises(DataError, match="its holdout is neither"):
        holdout(repository, project.home, version)
    assert not list(project.home.versions("alpha").glob("*"))
